import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { nodeDataFolder } from '../../network/fabric/fabric-paths.js';
import { peerOrganisations } from '../../network/fabric/members.js';
import { localTopology } from '../../network/topology.js';

/** World state of a stopped peer of Fabric, as goleveldb has it on disk; LevelDB reads and writes the same files. */
export interface FabricState {
  /** @returns undefined where there is none */
  read(name: string): Promise<Buffer | undefined>;
  /** Keeps the version that is there; a new key gets that of the first transaction of block 1. */
  write(name: string, value: Uint8Array): Promise<void>;
  rows(): AsyncIterable<readonly [Buffer, Buffer]>;
  close(): Promise<void>;
}

const { channel, chaincode } = localTopology();
/** Block 1, transaction 0, each with its length before it. */
const FIRST_VERSION = Buffer.of(1, 1, 0);
const VERSION_FIELD = 1;
const VALUE_FIELD = 2;

export function fabricStateFolder(dataDir: string, mspId: string): string {
  const organisation = peerOrganisations(localTopology()).find((member) => member.mspId === mspId);
  if (organisation === undefined) throw new Error(`${mspId} has no peer`);
  return join(nodeDataFolder(dataDir, organisation.peer.host), 'store', 'ledgersData', 'stateLeveldb');
}

/** @see Fabric core/ledger/kvledger/txmgmt/statedb/stateleveldb: keys by encodeDataKey, values by encodeValue */
export async function openFabricState(dataDir: string, mspId: string): Promise<FabricState> {
  const encoding = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
  const directory = fabricStateFolder(dataDir, mspId);
  const database = new ClassicLevel<Buffer, Buffer>(directory, { ...encoding, createIfMissing: false });
  await database.open();
  const keyOf = (name: string) => Buffer.from(`${channel}\0d${chaincode.name}\0${name}`);
  const fieldsOf = async (name: string) => parseFields((await database.get(keyOf(name))) ?? Buffer.alloc(0));
  return {
    read: async (name) => (await fieldsOf(name)).get(VALUE_FIELD),
    async write(name, value) {
      const fields = await fieldsOf(name);
      fields.set(VERSION_FIELD, fields.get(VERSION_FIELD) ?? FIRST_VERSION).set(VALUE_FIELD, Buffer.from(value));
      await database.put(keyOf(name), serialised(fields), { sync: true });
    },
    rows: () => database.iterator(),
    close: () => database.close(),
  };
}

/** Length-delimited fields of a protobuf message with field numbers below 16, which is all that DBValue has. */
function parseFields(bytes: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const field = bytes.readUInt8(at) >> 3;
    const length = readVarint(bytes, at + 1);
    at = length.nextAt + length.value;
    fields.set(field, bytes.subarray(length.nextAt, at));
  }
  return fields;
}

function serialised(fields: ReadonlyMap<number, Buffer>): Buffer {
  const parts = [...fields].sort(([left], [right]) => left - right);
  return Buffer.concat(
    parts.flatMap(([field, content]) => [Buffer.of((field << 3) | 2), varint(content.length), content]),
  );
}

function readVarint(bytes: Buffer, from: number): { value: number; nextAt: number } {
  let value = 0;
  let at = from;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes.readUInt8(at);
    at += 1;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, nextAt: at };
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.of(...bytes, rest);
}
