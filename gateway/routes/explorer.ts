import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import {
  block,
  blockPage,
  blockPath,
  blocksQuery,
  receipt,
  transaction,
  transactionPath,
} from '../schemas/explorer.js';
import { formatTime } from '../schemas/iso-time.js';
import { MedledgerError } from '../medledger-error.js';
import type { ExplorerBlock, ExplorerTransaction } from '../services/medledger.js';
import { pageReply, parsePage } from './page-reply.js';

/** Headers, hashes and codes of the chain; no payload. For members of organisations that keep a peer. */
export function explorerRoutes(app: GatewayApp, { services, organisation }: RouteContext): void {
  const preHandler = async () => {
    if (!organisation.hasPeer) throw new MedledgerError('NO_PEER');
  };

  app.get(
    '/v1/explorer/blocks',
    {
      preHandler,
      schema: {
        tags: ['explorer'],
        summary: 'Blocks, newest first',
        querystring: blocksQuery,
        response: { 200: blockPage },
      },
    },
    async (request, reply) => {
      const page = await services.blocks(callerOf(request), parsePage(request.query));
      return pageReply(request, reply, { page, show: showBlock });
    },
  );

  app.get(
    '/v1/explorer/blocks/:number',
    {
      preHandler,
      schema: { tags: ['explorer'], summary: 'One block', params: blockPath, response: { 200: block } },
    },
    async (request) => showBlock(await services.block(callerOf(request), { number: Number(request.params.number) })),
  );

  app.get(
    '/v1/explorer/transactions/:transactionId',
    {
      preHandler,
      schema: {
        tags: ['explorer'],
        summary: 'One transaction',
        params: transactionPath,
        response: { 200: transaction },
      },
    },
    async (request) => showTransaction(await services.transaction(callerOf(request), request.params)),
  );

  app.get(
    '/v1/transactions/:transactionId/receipt',
    {
      preHandler,
      schema: {
        tags: ['audit'],
        summary: 'The receipt of a permit or refusal, to be checked by anybody with `npm run verify-receipt`',
        params: transactionPath,
        response: { 200: receipt },
      },
    },
    async (request, reply) => {
      const { transactionId } = request.params;
      const document = await services.decisionReceipt(callerOf(request), { transactionId });
      reply.header('content-disposition', `attachment; filename="receipt-${transactionId}.json"`);
      return reply.header('cache-control', 'no-store').type('application/json').send(Buffer.from(document, 'utf8'));
    },
  );
}

function showBlock({ timeMs, transactions, ...header }: ExplorerBlock) {
  return {
    ...header,
    transactions: transactions.map(showTransaction),
    ...(timeMs !== undefined && { time: formatTime(timeMs) }),
  };
}

function showTransaction({ timeMs, endorsers, ...transaction }: ExplorerTransaction) {
  return { ...transaction, time: formatTime(timeMs), endorsers: [...endorsers] };
}
