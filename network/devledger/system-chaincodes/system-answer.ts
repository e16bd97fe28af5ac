import { peer } from '@hyperledger/fabric-protos';

const STATUS_OK = 200;
const STATUS_ERROR = 500;

/** A system chaincode's refusal, with the status that Fabric gives it. */
export class SystemRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What a system chaincode answers: the bytes asked for, or why not. */
export async function systemAnswer(query: () => Promise<Uint8Array>): Promise<peer.Response> {
  const response = new peer.Response();
  try {
    response.setPayload(await query());
    response.setStatus(STATUS_OK);
  } catch (error) {
    response.setStatus(error instanceof SystemRefusal ? error.status : STATUS_ERROR);
    response.setMessage(error instanceof Error ? error.message : String(error));
  }
  return response;
}
