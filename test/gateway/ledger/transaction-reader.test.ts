import { common, msp, peer } from '@hyperledger/fabric-protos';
import { expect, it } from '@jest/globals';
import { createCertificateReader } from '../../../gateway/ledger/certificate-reader.js';
import { readTransaction } from '../../../gateway/ledger/transaction-reader.js';

function chaincodeId(name: string): peer.ChaincodeID {
  const id = new peer.ChaincodeID();
  id.setName(name);
  return id;
}

function inputNaming(name: string): Uint8Array {
  const input = new peer.ChaincodeInput();
  input.setArgsList([Buffer.from('access:open')]);
  const spec = new peer.ChaincodeSpec();
  spec.setChaincodeId(chaincodeId(name));
  spec.setInput(input);
  const invocation = new peer.ChaincodeInvocationSpec();
  invocation.setChaincodeSpec(spec);
  const payload = new peer.ChaincodeProposalPayload();
  payload.setInput(invocation.serializeBinary());
  return payload.serializeBinary();
}

function endorsedAs(name: string): peer.ChaincodeEndorsedAction {
  const action = new peer.ChaincodeAction();
  action.setChaincodeId(chaincodeId(name));
  const response = new peer.ProposalResponsePayload();
  response.setExtension$(action.serializeBinary());
  const endorsed = new peer.ChaincodeEndorsedAction();
  endorsed.setProposalResponsePayload(response.serializeBinary());
  return endorsed;
}

function envelopeOf(names: { called: string; executed: string }): common.Envelope {
  const actionPayload = new peer.ChaincodeActionPayload();
  actionPayload.setChaincodeProposalPayload(inputNaming(names.called));
  actionPayload.setAction(endorsedAs(names.executed));
  const action = new peer.TransactionAction();
  action.setPayload(actionPayload.serializeBinary());
  const transaction = new peer.Transaction();
  transaction.setActionsList([action]);
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.ENDORSER_TRANSACTION);
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setCreator(new msp.SerializedIdentity().serializeBinary());
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  header.setSignatureHeader(signatureHeader.serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(transaction.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  return envelope;
}

it('names the chaincode that endorsers ran, whatever the client wrote beside its arguments', () => {
  const place = { index: 0, validationCode: 'VALID' };
  const envelope = envelopeOf({ called: 'medledger', executed: 'echo' });
  expect(readTransaction(envelope, place, createCertificateReader())).toMatchObject({
    kind: 'endorser',
    chaincode: 'echo',
    transaction: 'access:open',
  });
});
