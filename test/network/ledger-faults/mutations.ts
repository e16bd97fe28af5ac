/** Bytes near those that are right, and bytes that are far from it; the same for the same random numbers. */
export function mutated(seeds: readonly Uint8Array[], random: () => number): Buffer {
  const whole = (below: number) => Math.floor(random() * below);
  const seed = () => Buffer.from(seeds[whole(seeds.length)] ?? new Uint8Array());
  const kind = MUTATIONS[whole(MUTATIONS.length)] ?? flipped;
  return kind(seed(), whole, seed);
}

type Whole = (below: number) => number;
type Mutation = (bytes: Buffer, whole: Whole, other: () => Buffer) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  flipped,
  (bytes, whole, other) => flipped(flipped(flipped(bytes, whole, other), whole, other), whole, other),
  (bytes, whole) => bytes.subarray(0, whole(bytes.length)),
  (bytes, whole) => insert(bytes, whole(bytes.length), HUGE_VARINT),
  // A text or a number where there was none, or a length that is a lie.
  (bytes, whole) => insert(bytes, whole(bytes.length), FOUR_GIB),
  (bytes, whole) => insert(bytes, whole(bytes.length), bytes.subarray(whole(bytes.length))),
  (bytes, whole, other) =>
    Buffer.concat([bytes.subarray(0, whole(bytes.length)), other().subarray(whole(bytes.length))]),
  (_, whole) => Buffer.from(Array.from({ length: whole(80) }, () => whole(256))),
  // A group in a group in a group.
  (bytes, whole) => Buffer.concat([bytes, Buffer.alloc(whole(20_000), 0x0b)]),
  // Some length in it says something else.
  (bytes, whole) => {
    if (bytes.length > 0) bytes[whole(Math.min(bytes.length, 40))] = [0, 1, 0x7f, 0x80, 0xff][whole(5)] ?? 0;
    return bytes;
  },
];

const FOUR_GIB = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]);
/** More than 64 bits. */
const HUGE_VARINT = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);

function flipped(bytes: Buffer, whole: Whole, _other: () => Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const place = whole(bytes.length);
  bytes[place] = (bytes[place] ?? 0) ^ (1 << whole(8));
  return bytes;
}

function insert(bytes: Buffer, place: number, piece: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, place), piece, bytes.subarray(place)]);
}
