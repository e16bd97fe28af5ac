import { common } from '@hyperledger/fabric-protos';
import { ORDERER_MSP_ID } from '../../identities/index.js';
import type { MspRegistry } from '../msp.js';
import type { BlockParts } from './block-codec.js';
import { blockHeaderBytes } from './block-hash.js';
import { verified } from './endorsement-policy.js';
import { decoded } from './envelope.js';
import type { SignatureCache } from './signature-cache.js';
import { parseMessage } from '../wire/parse-message.js';

/** Who orders, as a block of configuration has it. */
export interface OrderingService {
  /** With crash tolerance any one orderer's signature makes a block; with BFT a quorum of the consenters must sign. */
  readonly isBft: boolean;
  /** Serialised identities by the numbers that signatures name; empty without BFT. */
  readonly consenters: ReadonlyMap<number, Uint8Array>;
}

/** Whoever knows the orderers' certificates. */
type Verifier = Pick<MspRegistry, 'verify'> | Pick<SignatureCache, 'verify'>;

/** Revocation is about what clients may still do, not about what a node signed once. */
const ANY_TIME_MS = 0;

/**
 * How the orderers' signatures on a block fall short.
 *
 * @param service - as it was before the block
 * @see Fabric protoutil/blockutils.go, BlockSignatureVerifier
 */
export function signatureFault(block: BlockParts, service: OrderingService, msps: Verifier): string | undefined {
  const signatures = decoded(() => parseMessage(common.Metadata, block.metadata[0] ?? new Uint8Array()));
  if (signatures === undefined) return 'its signatures cannot be read';
  const header = blockHeaderBytes(block);
  const signers = new Set<string>();
  for (const signature of signatures.getSignaturesList()) {
    const signer = signerOf(signature, { service, msps, before: signatures.getValue_asU8(), header });
    if (signer !== undefined) signers.add(signer);
  }
  const needed = service.isBft ? quorumOf(service.consenters.size) : 1;
  if (signers.size >= needed) return undefined;
  return `${signers.size} orderers signed it, ${needed} are needed`;
}

function signerOf(
  signature: common.MetadataSignature,
  about: {
    readonly service: OrderingService;
    readonly msps: Verifier;
    readonly before: Uint8Array;
    readonly header: Uint8Array;
  },
): string | undefined {
  const { service, msps, before, header } = about;
  const named = signature.getSignatureHeader_asU8();
  const numbered = signature.getIdentifierHeader_asU8();
  const creator = named.length > 0 ? creatorOf(named) : consenterOf(numbered, service);
  if (creator === undefined) return undefined;
  const signed = Buffer.concat([before, named.length > 0 ? named : numbered, header]);
  const identity = verified(() => msps.verify(creator, signed, signature.getSignature_asU8(), ANY_TIME_MS));
  const isOrderer = identity?.mspId === ORDERER_MSP_ID && identity.ou === 'orderer';
  return isOrderer ? identity.certificate.fingerprint256 : undefined;
}

function creatorOf(header: Uint8Array): Uint8Array | undefined {
  return decoded(() => parseMessage(common.SignatureHeader, header))?.getCreator_asU8();
}

function consenterOf(header: Uint8Array, { consenters }: OrderingService): Uint8Array | undefined {
  const id = decoded(() => parseMessage(common.IdentifierHeader, header))?.getIdentifier();
  return id === undefined ? undefined : consenters.get(id);
}

/** More than half of those that remain when as many as are tolerated lie. */
function quorumOf(consenters: number): number {
  const faulty = Math.floor((consenters - 1) / 3);
  return Math.ceil((consenters + faulty + 1) / 2);
}
