import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  bytesToHex,
  endWalk,
  entryHash,
  fromBase64url,
  headerBytes,
  headerHash,
  headerOf,
  hexToBytes,
  isIntact,
  keyHashOf,
  type LaneEntry,
  type LaneHeader,
  type MemberId,
  memberGenesis,
  patientGenesis,
  patientIdOf,
  registerBytes,
  sealEntry,
  startWalk,
  statementBytes,
  statementDigest,
  stepWalk,
  tipOf,
  type Walk,
} from '@medledger/chaincode/domain';

interface Vectors {
  signingKey: string;
  encryptionKey: string;
  salt: string;
  keyHash: string;
  patientId: MemberId;
  patientGenesis: string;
  memberGenesis: { memberId: MemberId; registerDigest: string; genesis: string };
  lane: { businessJson: string; headerBytesHex: string; headerHash: string; entry: LaneEntry }[];
  farHeader: { header: LaneHeader; headerHash: string };
  statement: { text: string; bytesHex: string; digest: string };
  register: { text: string; bytesHex: string };
}

const vectors = JSON.parse(readFileSync(new URL('../../vectors/lane.json', import.meta.url), 'utf8')) as Vectors;
const { signingKey, encryptionKey, salt, patientId } = vectors;

describe('golden vectors of test/vectors/lane.json', () => {
  it('identify a key and a patient', () => {
    expect(keyHashOf(fromBase64url(signingKey))).toBe(vectors.keyHash);
    expect(patientIdOf({ signingKey, salt })).toBe(patientId);
  });

  it('begin lanes', () => {
    const { memberId, registerDigest, genesis } = vectors.memberGenesis;
    expect(patientGenesis({ channel: 'medledger', patientId, signingKey, encryptionKey })).toBe(vectors.patientGenesis);
    expect(memberGenesis({ channel: 'medledger', memberId, signingKey, registerDigest })).toBe(genesis);
  });

  it.each(vectors.lane)('have header bytes, hashes and link of entry $entry.sequence', (vector) => {
    const { entry } = vector;
    expect(bytesToHex(headerBytes(entry))).toBe(vector.headerBytesHex);
    expect(bytesToHex(headerHash(entry))).toBe(vector.headerHash);
    expect(entryHash(hexToBytes(vector.headerHash), hexToBytes(entry.nonce))).toBe(entry.entryHash);
    expect(isIntact(entry)).toBe(true);
  });

  it('are the lane that the rules build from the same calls', () => {
    let walk: Walk = startWalk(vectors.patientGenesis);
    for (const { businessJson, entry } of vectors.lane) {
      if (!walk.ok) break;
      const { channel, transaction, memberId, keyHash, nonce, outcome, txId, timeMs } = entry;
      const tip = tipOf(walk.head);
      const header = headerOf({ channel, transaction, businessJson, memberId, keyHash, patientId, tip });
      expect(sealEntry({ header, nonce, outcome, txId, timeMs })).toEqual(entry);
      walk = stepWalk(walk, entry, 10_000);
    }
    expect(walk).toMatchObject({ ok: true, head: { sequence: vectors.lane.length } });
    expect(walk.ok && endWalk(walk, walk.head).ok).toBe(true);
  });

  it('have sequences and difficulties of more than 32 bits', () => {
    expect(bytesToHex(headerHash(vectors.farHeader.header))).toBe(vectors.farHeader.headerHash);
  });

  it('have the bytes that patients and organisations sign', () => {
    const { statement, register } = vectors;
    expect(bytesToHex(statementBytes(statement.text))).toBe(statement.bytesHex);
    expect(statementDigest(statement.text)).toBe(statement.digest);
    expect(bytesToHex(registerBytes(register.text))).toBe(register.bytesHex);
  });
});
