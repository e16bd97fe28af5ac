import type { FastifyBaseLogger } from 'fastify';
import type { GatewayConfig } from '../config.js';
import { registrarCertificates } from '../identity/pinned-consortium.js';
import type { InternalApi } from '../internal/internal-api.js';
import type { LedgerChain } from '../ledger/chain.js';
import { type Attester, certificateText, createAttester } from '../services/receipts/attestation.js';
import { createDecisionReceipt } from '../services/receipts/decision-receipt.js';
import type { ChainViews } from '../services/chain-views.js';
import { createLogReadings } from '../services/log-readings.js';
import { MedledgerError } from '../medledger-error.js';
import { ownPeer } from '../services/own-peer.js';
import type { KeysOf } from '../services/people.js';
import type { GatewayChain } from './open-chain.js';

/** This organisation's word for where transactions stand. */
export function ownAttester({ ledger, serviceIdentity }: GatewayChain, views: ChainViews | undefined): Attester {
  const attest = createAttester({ ledger, identity: serviceIdentity, views, nowMs: Date.now });
  return { mspId: serviceIdentity.mspId, attest };
}

/** Organisations whose word about a transaction counts: those whose peers endorse. */
export function attestersOf(
  { topology }: GatewayConfig,
  own: Attester,
  others: ReadonlyMap<string, InternalApi>,
): readonly Attester[] {
  return topology.organisations.flatMap(({ mspId, endorses }) => {
    if (!endorses) return [];
    if (mspId === own.mspId) return [own];
    const api = others.get(mspId);
    return api === undefined ? [] : [{ mspId, attest: (transactionId: string) => api.attest(transactionId) }];
  });
}

/** The use case with what it needs of the gateway. */
export function openDecisionReceipts(parts: {
  readonly config: GatewayConfig;
  readonly logger: FastifyBaseLogger;
  readonly ledgerSide: GatewayChain;
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly views: ChainViews | undefined;
  readonly attesters: readonly Attester[];
}) {
  const { config, logger, ledgerSide, chain, keysOf, views, attesters } = parts;
  const { ledger, serviceIdentity } = ledgerSide;
  const awaitBlock = (blockNumber: number): Promise<void> => {
    if (views === undefined) throw new MedledgerError('NO_PEER');
    return views.awaitBlock(blockNumber);
  };
  const nowMs = Date.now;
  return createDecisionReceipt({
    ...{ chain, keysOf, ledger, views, attesters, nowMs },
    identity: serviceIdentity,
    own: ownAttester(ledgerSide, views),
    readings: createLogReadings({ chain, keysOf, awaitBlock, nowMs }),
    evidence: ownPeer(ledger, serviceIdentity).evidence,
    registrars: () =>
      registrarCertificates(config.dataDir, config.topology).map(({ mspId, certificatePem }) => ({
        mspId,
        certificate: certificateText(certificatePem),
      })),
    onOddAttestation: (found) => logger.error(found, 'an organisation attests to another transaction than ours'),
  });
}
