// Golden vectors of the lane, from the written rules and node:crypto alone: nothing of the product is imported here.
// Run it with Node 24: node test/vectors/make-lane-vectors.ts
import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// RFC 6979, appendix A.2.5: a P-256 key that is nobody's.
const SIGNING_KEY_HEX =
  '3059301306072a8648ce3d020106082a8648ce3d030107034200' +
  '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6' +
  '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299';
// RFC 7748, section 6.1: Alice's public key.
const ENCRYPTION_KEY_HEX = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
const SALT_HEX = '000102030405060708090a0b0c0d0e0f';
const DIFFICULTY = 4096;

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const fromHex = (text: string): Buffer => Buffer.from(text, 'hex');
const hexToBase64url = (text: string): string => fromHex(text).toString('base64url');

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function tagged(tag: string, ...parts: Buffer[]): Buffer {
  const framed = [Buffer.from(tag, 'utf8'), ...parts].map((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return Buffer.concat([length, part]);
  });
  return Buffer.concat(framed);
}

/** RFC 6962, section 2.1, word for word. */
function merkleTreeHash(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha256(Buffer.alloc(0));
  if (leaves.length === 1) return sha256(Buffer.concat([Buffer.of(0), only]));
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const left = merkleTreeHash(leaves.slice(0, split));
  return sha256(Buffer.concat([Buffer.of(1), left, merkleTreeHash(leaves.slice(split))]));
}

interface Header {
  channel: string;
  transaction: string;
  businessDigest: string;
  memberId: string;
  keyHash: string;
  patientId: string;
  sequence: number;
  previous: string;
  root: string;
  difficulty: number;
}

function headerBytes(header: Header): Buffer {
  return tagged(
    'medledger/lane-header/v1',
    Buffer.from(header.channel),
    Buffer.from(header.transaction),
    fromHex(header.businessDigest),
    Buffer.from(header.memberId),
    fromHex(header.keyHash),
    Buffer.from(header.patientId),
    uint64(header.sequence),
    fromHex(header.previous),
    fromHex(header.root),
    uint64(header.difficulty),
  );
}

function solveSlowly(headerHash: Buffer, difficulty: number): { nonce: Buffer; entryHash: Buffer } {
  for (let attempt = 0; ; attempt++) {
    const nonce = uint64(attempt);
    const entryHash = sha256(Buffer.concat([Buffer.from('medl/e/1'), headerHash, nonce]));
    if (BigInt(`0x${entryHash.toString('hex')}`) < (1n << 256n) / BigInt(difficulty)) return { nonce, entryHash };
  }
}

const signingKey = fromHex(SIGNING_KEY_HEX);
const keyHash = sha256(signingKey).toString('hex');
const idHash = sha256(tagged('medledger/patient-id/v1', signingKey, fromHex(SALT_HEX))).toString('hex');
const patientId = `p-${idHash.slice(0, 40)}`;
const genesis = sha256(
  tagged(
    'medledger/patient-genesis/v1',
    Buffer.from('medledger'),
    Buffer.from(patientId),
    signingKey,
    fromHex(ENCRYPTION_KEY_HEX),
  ),
).toString('hex');

function sealedEntry(header: Header, businessJson: string, place: { outcome: string; timeMs: number }) {
  const headerHash = sha256(headerBytes(header));
  const { nonce, entryHash } = solveSlowly(headerHash, header.difficulty);
  const { outcome, timeMs } = place;
  const txId = sha256(Buffer.from(`transaction ${header.sequence}`)).toString('hex');
  const outcomeDigest = sha256(Buffer.from(outcome));
  const link = sha256(
    tagged('medledger/lane-link/v1', entryHash, outcomeDigest, Buffer.from(txId), uint64(timeMs)),
  ).toString('hex');
  return {
    businessJson,
    headerBytesHex: headerBytes(header).toString('hex'),
    headerHash: headerHash.toString('hex'),
    entry: {
      ...header,
      nonce: nonce.toString('hex'),
      entryHash: entryHash.toString('hex'),
      outcome,
      txId,
      timeMs,
      link,
    },
  };
}

function makeLane(entryCount: number) {
  const entries: ReturnType<typeof sealedEntry>[] = [];
  for (let sequence = 0; sequence < entryCount; sequence++) {
    const links = entries.map(({ entry }) => fromHex(entry.link));
    const businessJson = `{"note":"${'\u00e9'.repeat(sequence)}","patientId":"${patientId}"}`;
    const header: Header = {
      channel: sequence < 3 ? 'medledger' : 'medledger-\u00e9\u{1f600}',
      transaction: sequence === 0 ? 'members:registerPatient' : 'records:add',
      businessDigest: sha256(Buffer.from(businessJson)).toString('hex'),
      memberId: patientId,
      keyHash,
      patientId,
      sequence,
      previous: links.at(-1)?.toString('hex') ?? genesis,
      root: merkleTreeHash(links).toString('hex'),
      difficulty: DIFFICULTY,
    };
    const outcome = sequence === 0 ? '{"action":"register","outcome":"permit"}' : '{"action":"add","outcome":"permit"}';
    entries.push(sealedEntry(header, businessJson, { outcome, timeMs: 1_767_225_600_000 + sequence * 1000 }));
  }
  return entries;
}

const farHeader: Header = {
  channel: 'c',
  transaction: 'access:open',
  businessDigest: 'ff'.repeat(32),
  memberId: 'doctor-a',
  keyHash: '00'.repeat(32),
  patientId: '-',
  sequence: 2 ** 40 - 1,
  previous: '11'.repeat(32),
  root: '22'.repeat(32),
  difficulty: 2 ** 20,
};
const statementText = `{"body":{},"channel":"medledger","id":"g${'0a'.repeat(16)}","keyEpoch":0,"kind":"revocation","patientId":"${patientId}","version":2}`;
const registerDigest = 'ab'.repeat(32);

const vectors = {
  source: 'made by test/vectors/make-lane-vectors.ts with node:crypto; the keys are those of RFC 6979 and RFC 7748',
  signingKey: hexToBase64url(SIGNING_KEY_HEX),
  encryptionKey: hexToBase64url(ENCRYPTION_KEY_HEX),
  salt: hexToBase64url(SALT_HEX),
  keyHash,
  patientId,
  patientGenesis: genesis,
  memberGenesis: {
    memberId: 'doctor-a',
    registerDigest,
    genesis: sha256(
      tagged(
        'medledger/member-genesis/v1',
        Buffer.from('medledger'),
        Buffer.from('doctor-a'),
        signingKey,
        Buffer.from(registerDigest),
      ),
    ).toString('hex'),
  },
  lane: makeLane(6),
  farHeader: { header: farHeader, headerHash: sha256(headerBytes(farHeader)).toString('hex') },
  statement: {
    text: statementText,
    bytesHex: tagged('medledger/statement/v1', Buffer.from(statementText)).toString('hex'),
    digest: sha256(tagged('medledger/statement/v1', Buffer.from(statementText))).toString('hex'),
  },
  register: {
    text: '{"version":1}',
    bytesHex: tagged('medledger/register/v1', Buffer.from('{"version":1}')).toString('hex'),
  },
};

const path = fileURLToPath(new URL('lane.json', import.meta.url));
writeFileSync(`${path}.new`, `${JSON.stringify(vectors, null, 2)}\n`);
renameSync(`${path}.new`, path);
