import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const FOLDER = new URL('../../../scripts/bench/baseline/', import.meta.url);

/**
 * A slower baseline makes a better figure, so baselines are frozen. Whoever has to change one changes its digest here
 * too, and compares the figures before and after.
 */
const DIGESTS: { readonly [file: string]: string } = {
  'bare-calls.ts': '38df6325ad7580567faa567b18e1cb78e158bf5fa2b98feead03de9a4bf3a18d',
  'bare-chaincode.cjs': 'a932bb3e39c23e8d3eedb59d2a5e9e00c9d3d7999cd7ca9de92d846cb095008c',
  'bare-gateway-client.ts': 'c638a0aafbbe9f3366aee346395637a352c68832c226822d4a2d3d3db43e7708',
  'name-by-package.cjs': 'eca513fd77bdb1e1b36fe5861aab09625e92f4395edbd73d1e3f90fadc581f8a',
  'naive-solver.ts': 'caa2396f0ea17b2e86b3a4f22e7aff02aafa802e3366774f50c954039399e696',
  'stub-gateway.ts': 'afce4b011aee1f4cc88c7ccf8cbbf1de6ec175ead1dd247cabf4984ae49732c8',
  'bare-proposal.ts': 'a6d8a62f348dc02db6d91edc2f239058b5511a0daef7dc435d74a658fcf36a2d',
};

describe('the baselines of the figures', () => {
  it.each(readdirSync(FOLDER))('%s is as it was when the targets were set', (file) => {
    const digest = createHash('sha256')
      .update(readFileSync(new URL(file, FOLDER)))
      .digest('hex');
    expect(digest).toBe(DIGESTS[file]);
  });
});
