import { Type } from '@fastify/type-provider-typebox';
import { pageOf, pageQuery } from './page.js';
import { sha256Hex, strictObject, time, transactionId, wholeNumber } from './vocabulary.js';

export const blocksQuery = strictObject(pageQuery);
export const blockPath = strictObject({
  number: Type.String({
    pattern: '^(?:0|[1-9]\\d{0,14})$',
    description: 'a block number',
    'x-means': { type: 'integer', minimum: 0 },
  }),
});
export const transactionPath = strictObject({ transactionId });

export const transaction = strictObject({
  transactionId: Type.String(),
  blockNumber: wholeNumber,
  index: wholeNumber,
  time,
  validationCode: Type.String({ description: "Fabric's name of the code" }),
  transaction: Type.Optional(Type.String({ description: 'contract and function' })),
  creator: strictObject({ organisation: Type.String(), memberId: Type.Optional(Type.String()) }),
  endorsers: Type.Array(Type.String()),
});
export const block = strictObject({
  number: wholeNumber,
  hash: sha256Hex,
  previousHash: Type.String(),
  dataHash: sha256Hex,
  time: Type.Optional(time),
  transactions: Type.Array(transaction),
});
export const blockPage = pageOf(block);
/** For the documentation: it is sent as the bytes that were sealed, not made from this. */
export const receipt = Type.Object(
  {},
  {
    description:
      'medledger-receipt/v1: canonical JSON, to be kept byte for byte; docs/operations.md says what is in it',
  },
);
