/** `npm run test:full` sets it: what `npm test` tries a part of is then tried whole. */
export const IS_FULL = process.env.MEDLEDGER_FULL === '1';
