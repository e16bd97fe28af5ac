import type { FastifyReply, FastifyRequest } from 'fastify';
import { PAGE_ITEMS_DEFAULT } from '../schemas/page.js';
import type { PageOf } from '../services/medledger.js';

/** From the query's text; its schema has checked that the number is one. */
export function parsePage(query: { limit?: string; cursor?: string }): { limit: number; cursor?: string } {
  const limit = query.limit === undefined ? PAGE_ITEMS_DEFAULT : Number(query.limit);
  return { limit, ...(query.cursor !== undefined && { cursor: query.cursor }) };
}

/** Items as told; the way to the next page in the body and as RFC 8288 link. */
export function pageReply<T, U>(
  request: FastifyRequest,
  reply: FastifyReply,
  input: { page: PageOf<T>; show: (item: T) => U },
): { items: U[]; next?: string } {
  const { next } = input.page;
  const items = input.page.items.map(input.show);
  if (next === undefined) return { items };
  const [path = '', query = ''] = request.url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', next);
  reply.header('link', `<${path}?${parameters}>; rel="next"`);
  return { items, next };
}
