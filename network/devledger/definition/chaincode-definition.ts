import { type common, peer } from '@hyperledger/fabric-protos';
import type { Version } from '../peer-ledger.js';

/** What the organisations have agreed on about a chaincode; Fabric's lifecycle definition. */
export interface ChaincodeDefinition {
  readonly name: string;
  readonly version: string;
  /** Counts the definitions of this name, from 1. */
  readonly sequence: number;
  readonly endorsementPolicy: common.SignaturePolicyEnvelope;
  readonly collections: peer.CollectionConfigPackage | undefined;
  readonly initRequired: boolean;
}

/** A definition and since when it counts. */
export interface DefinitionInForce extends ChaincodeDefinition {
  /** Number of the first block whose transactions are judged by it. */
  readonly fromBlock: number;
}

/**
 * The version of a definition's key, which every endorsement of the chaincode rests on: what was endorsed under one
 * definition is invalid under the next. Two definitions may begin with the same block, so the sequence tells them apart.
 */
export function definitionVersion({ fromBlock, sequence }: DefinitionInForce): Version {
  return { blockNumber: fromBlock, txNumber: sequence };
}

/** Whether two definitions ask for the same, whatever their sequence. */
export function sameTerms(left: ChaincodeDefinition, right: ChaincodeDefinition): boolean {
  return (
    left.name === right.name &&
    left.version === right.version &&
    left.initRequired === right.initRequired &&
    sameBytes(left.endorsementPolicy, right.endorsementPolicy) &&
    sameBytes(left.collections, right.collections)
  );
}

interface Message {
  serializeBinary(): Uint8Array;
}

function sameBytes(left: Message | undefined, right: Message | undefined): boolean {
  const none = new Uint8Array();
  return Buffer.compare(left?.serializeBinary() ?? none, right?.serializeBinary() ?? none) === 0;
}
