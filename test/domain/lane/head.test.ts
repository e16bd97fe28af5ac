import { describe, expect, it } from '@jest/globals';
import {
  canonicalJson,
  firstHead,
  formatLaneEntry,
  formatLaneHead,
  formatLaneProof,
  parseLaneEntry,
  parseLaneHead,
  parseLaneProof,
  rootOf,
  tipOf,
} from '@medledger/chaincode/domain';
import { buildLane, entryAt, GENESIS, headBefore } from './sample-lane.js';

const lane = buildLane(5);
const head = headBefore(lane, 5);
const entry = entryAt(lane, 4);
const proof = { ...tipOf(head), nonce: 'ab'.repeat(8) };

describe('what lies in state and in a call', () => {
  it('comes back as it was written', () => {
    expect(parseLaneHead(formatLaneHead(head))).toEqual(head);
    expect(parseLaneEntry(formatLaneEntry(entry))).toEqual(entry);
    expect(parseLaneProof(formatLaneProof(proof))).toEqual(proof);
  });

  it.each([
    { name: 'a space', change: (text: string) => text.replace('{', '{ ') },
    { name: 'another order', change: (text: string) => text.replace(/\{("[^"]*":[^,]*),("[^"]*":[^,]*),/, '{$2,$1,') },
    { name: 'a cut end', change: (text: string) => text.slice(0, -1) },
    { name: 'an unknown member', change: (text: string) => text.replace(/\}$/, ',"zzz":1}') },
    { name: 'a name twice', change: (text: string) => text.replace(/\{("[^"]*":[^,]*),/, '{$1,$1,') },
    { name: 'upper-case hex', change: (text: string) => text.replace(/[0-9a-f]{16}/, (hash) => `A${hash.slice(1)}`) },
  ])('is refused with $name', ({ change }) => {
    const parsers = [
      { text: formatLaneHead(head), parse: parseLaneHead },
      { text: formatLaneEntry(entry), parse: parseLaneEntry },
      { text: formatLaneProof(proof), parse: parseLaneProof },
    ];
    for (const { text, parse } of parsers) {
      expect(change(text)).not.toBe(text);
      expect(() => parse(change(text))).toThrow(/^(JSON_INVALID|INPUT_INVALID): /);
    }
  });

  it.each(Object.keys(entry))('is refused without the member %s of an entry', (name) => {
    const { [name]: _gone, ...rest } = { ...entry } as Record<string, unknown>;
    expect(() => parseLaneEntry(canonicalJson(rest))).toThrow(`INPUT_INVALID: /${name} must be`);
  });
});

describe('tipOf', () => {
  it('has the root over all links in place of the peaks', () => {
    const { sequence, previous, difficulty, peaks } = head;
    expect(tipOf(head)).toEqual({ sequence, previous, difficulty, root: rootOf({ leafCount: sequence, peaks }) });
    expect(previous).toBe(entry.link);
  });

  it('of a new lane stands on the genesis and the empty tree', () => {
    expect(tipOf(firstHead(GENESIS))).toMatchObject({
      sequence: 0,
      previous: GENESIS,
      root: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    });
  });
});
