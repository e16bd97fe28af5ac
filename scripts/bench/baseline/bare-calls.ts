// Baseline, frozen: unary calls of grpc-js with bytes that are made beforehand, and nothing else. test/network/bench
// holds the digest of this file.
import { readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';

export interface BareCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly request: Buffer;
}

export interface BareCalls {
  /** One call after the other. */
  make(calls: readonly BareCall[]): Promise<Buffer[]>;
  close(): void;
}

export function openBareCalls(options: { address: string; hostName: string; tlsRootFile: string }): BareCalls {
  const client = new Client(options.address, credentials.createSsl(readFileSync(options.tlsRootFile)), {
    'grpc.ssl_target_name_override': options.hostName,
  });
  const same = (bytes: Buffer) => bytes;
  const one = ({ path, request }: BareCall) =>
    new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, request, (error, answer) =>
        answer === undefined ? reject(error) : resolve(answer),
      );
    });
  return {
    make: async (calls) => {
      const answers: Buffer[] = [];
      for (const call of calls) answers.push(await one(call));
      return answers;
    },
    close: () => client.close(),
  };
}
