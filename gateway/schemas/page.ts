import { type TSchema, Type } from '@fastify/type-provider-typebox';
import { limits } from '@medledger/chaincode/domain';
import { strictObject } from './vocabulary.js';

export const PAGE_ITEMS_DEFAULT = 50;

/** `x-means` is for the documentation: a query is text, and is checked and read as text. */
const limit = Type.String({
  pattern: '^(?:[1-9]\\d?|1\\d\\d|200)$',
  description: `a whole number from 1 to ${limits.PAGE_ITEMS_MAX}`,
  'x-means': { type: 'integer', minimum: 1, maximum: limits.PAGE_ITEMS_MAX, default: PAGE_ITEMS_DEFAULT },
});

const cursor = Type.String({
  pattern: '^[\\w~-]{1,300}$',
  description: 'the next of the page before, unchanged',
});

export const pageQuery = { limit: Type.Optional(limit), cursor: Type.Optional(cursor) };

export function pageOf<T extends TSchema>(item: T) {
  return strictObject({
    items: Type.Array(item),
    next: Type.Optional(Type.String({ description: 'cursor of the next page; absent on the last one' })),
  });
}
