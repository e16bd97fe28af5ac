import { status } from '@grpc/grpc-js';
import { GatewayError } from '@hyperledger/fabric-gateway';
import { gateway, google } from '@hyperledger/fabric-protos';

/** A failed submit. */
interface SubmitFailure {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly message: string }[];
}

/** Of four orderers one may say what it likes. */
const BELIEVED = 2;
const TOO_FEW = 'insufficient number of orderers could successfully process transaction to satisfy quorum requirement';

/**
 * What orderers said who did not take a transaction. Of orderers that do not lie a client hears one, and its 4xx is
 * final, as ABORTED. Of those that agree by BFT all are asked, and it takes some of them who say the same; the peer
 * makes that UNAVAILABLE, so that a client cannot tell by the code alone.
 *
 * @throws Error when it is neither
 */
export function orderersSaid({ code, message, details }: SubmitFailure): readonly string[] {
  const said = details.map((detail) => detail.message);
  if (code === status.ABORTED && said.length === 0) return [message];
  if (code === status.UNAVAILABLE && message === TOO_FEW && said.length >= BELIEVED) return said;
  throw new Error(`that is no refusal by orderers: ${JSON.stringify({ code, message, details })}`);
}

/** Whether orderers that agree by BFT say no more than that they have the transaction. */
export function isKnownAlready(error: unknown): boolean {
  if (!(error instanceof GatewayError) || error.code !== status.UNAVAILABLE) return false;
  const said = error.details.map(({ message }) => message);
  return said.length > 0 && said.every((one) => one.includes('request already processed'));
}

/** Details of a gRPC error, from the metadata that they travel in. */
export function detailsIn(statusDetails: Uint8Array | undefined): SubmitFailure['details'] {
  if (statusDetails === undefined) return [];
  return google.rpc.Status.deserializeBinary(statusDetails)
    .getDetailsList()
    .map((any) => ({ message: gateway.ErrorDetail.deserializeBinary(any.getValue_asU8()).getMessage() }));
}
