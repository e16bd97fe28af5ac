import type { KeyObject } from 'node:crypto';
import { peer } from '@hyperledger/fabric-protos';
import { signLowS } from '../low-s.js';

/** A peer's own identity: what it endorses with. */
export interface EndorserIdentity {
  readonly mspId: string;
  /** msp.SerializedIdentity of the peer's certificate. */
  readonly serialized: Uint8Array;
  readonly privateKey: KeyObject;
}

export interface SimulationOutcome {
  readonly proposalHash: Uint8Array;
  readonly chaincode: { readonly name: string; readonly version: string };
  /** Serialised TxReadWriteSet; empty for a system chaincode. */
  readonly readWriteSet: Uint8Array;
  readonly response: peer.Response;
  readonly event: peer.ChaincodeEvent | undefined;
}

/** Serialised ProposalResponsePayload: what every endorser must agree on byte by byte. */
export function proposalResponsePayload(outcome: SimulationOutcome): Uint8Array {
  const chaincodeId = new peer.ChaincodeID();
  chaincodeId.setName(outcome.chaincode.name);
  chaincodeId.setVersion(outcome.chaincode.version);
  const action = new peer.ChaincodeAction();
  action.setResults(outcome.readWriteSet);
  if (outcome.event !== undefined) action.setEvents(outcome.event.serializeBinary());
  action.setResponse(outcome.response);
  action.setChaincodeId(chaincodeId);
  const payload = new peer.ProposalResponsePayload();
  payload.setProposalHash(outcome.proposalHash);
  payload.setExtension$(action.serializeBinary());
  return payload.serializeBinary();
}

/** Where signatures known to be good are noted, so that the peers of this process need not check them again. */
export interface SignatureMemory {
  remember(serializedIdentity: Uint8Array, data: Uint8Array, signature: Uint8Array): void;
}

/** Endorses a payload: a signature over it and the endorser's identity. */
export function endorsePayload(
  payload: Uint8Array,
  identity: EndorserIdentity,
  signatures: SignatureMemory,
): peer.Endorsement {
  const signed = Buffer.concat([payload, identity.serialized]);
  const signature = signLowS(identity.privateKey, signed);
  signatures.remember(identity.serialized, signed, signature);
  const endorsement = new peer.Endorsement();
  endorsement.setEndorser(identity.serialized);
  endorsement.setSignature(signature);
  return endorsement;
}
