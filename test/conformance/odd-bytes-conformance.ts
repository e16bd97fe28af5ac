import { describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { gateway, peer } from '@hyperledger/fabric-protos';
import { HOSPITAL_A, type LedgerUnderTest } from './ledger-under-test.js';
import { useMember } from './member-client.js';
import { type RawFailure, rawConversation, rawUnary } from './raw-calls.js';

/** Go writes one of two kinds of space behind the colon, by chance. */
const NO_MESSAGE = String.raw`proto:\s*cannot parse invalid wire-format data$`;
const NO_TEXT = 'string field contains invalid UTF-8$';
const ODD = [
  { name: 'whose length runs beyond their end', hex: '0affffffff0f61', text: NO_MESSAGE },
  { name: 'that are cut off', hex: '0a0561', text: NO_MESSAGE },
  { name: 'of a type that there is not', hex: '7e00', text: NO_MESSAGE },
  { name: 'that end a group which did not begin', hex: '7c', text: NO_MESSAGE },
  { name: 'that begin a group without end', hex: '7b0801', text: NO_MESSAGE },
];

/** What peers say to bytes that no client library sends. */
export function describeOddBytes(ledger: () => LedgerUnderTest): void {
  describe('bytes that are no message', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const refused = (failure: RawFailure | undefined, said: string) => {
      expect(failure?.code).toBe(status.INTERNAL);
      expect(failure?.message).toMatch(new RegExp(`^${said}`));
    };

    it.each(ODD)('$name are refused by every method that answers once', async ({ hex, text }) => {
      for (const method of ['Evaluate', 'Endorse', 'Submit', 'CommitStatus']) {
        const failure = await rawUnary(client().client, `/gateway.Gateway/${method}`, Buffer.from(hex, 'hex'));
        refused(failure, `grpc: error unmarshalling request: ${text}`);
      }
    });

    it('because a text in them is none, are refused too', async () => {
      const failure = await rawUnary(client().client, '/gateway.Gateway/Evaluate', Buffer.from('0a01ff', 'hex'));
      refused(failure, `grpc: error unmarshalling request: ${NO_TEXT}`);
    });

    it.each(ODD)('$name are refused by every method that answers with a stream', async ({ hex, text }) => {
      const paths = ['Deliver', 'DeliverFiltered', 'DeliverWithPrivateData'].map((name) => `/protos.Deliver/${name}`);
      for (const path of [...paths, '/gateway.Gateway/ChaincodeEvents']) {
        const failure = await rawConversation(client().client, path, Buffer.from(hex, 'hex'));
        refused(failure, `grpc: failed to unmarshal the received message: ${text}`);
      }
    });

    it('within a proposal are the client’s fault', async () => {
      const proposal = new peer.SignedProposal();
      proposal.setProposalBytes(Buffer.from('0affffffff0f61', 'hex'));
      for (const [method, type] of [
        ['Evaluate', gateway.EvaluateRequest],
        ['Endorse', gateway.EndorseRequest],
      ] as const) {
        const request = new type();
        request.setChannelId(ledger().topology.channel);
        request.setProposedTransaction(proposal);
        const bytes = Buffer.from(request.serializeBinary());
        const failure = await rawUnary(client().client, `/gateway.Gateway/${method}`, bytes);
        expect(failure?.code).toBe(status.INVALID_ARGUMENT);
      }
    });

    it('within what a chaincode asks for are the chaincode’s fault', async () => {
      const [outcome] = await client().evaluate([['attempt', ['put', '\ud800', 'x']]]);
      expect(outcome).toEqual({ failed: expect.stringMatching(new RegExp(`: unmarshal failed: .*${NO_TEXT}`)) });
    });
  });
}
