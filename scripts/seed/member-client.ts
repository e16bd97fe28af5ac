import { type RestCall, type RestClient, RestError } from './rest-client.js';

export interface MemberClient extends RestClient {
  readonly memberId: string;
  signOut(): Promise<void>;
}

/** Signs in, and once more whenever the session has ended, as it does when its gateway starts again. */
export async function memberClient(client: RestClient, memberId: string, password: string): Promise<MemberClient> {
  let accessToken = await signIn(client, memberId, password);
  const request = async (call: RestCall) => {
    try {
      return await client.request({ ...call, accessToken });
    } catch (error) {
      if (!(error instanceof RestError && error.status === 401)) throw error;
      accessToken = await signIn(client, memberId, password);
      return client.request({ ...call, accessToken });
    }
  };
  return {
    memberId,
    request,
    signOut: async () => {
      await request({ method: 'DELETE', path: '/v1/sessions/current' });
    },
  };
}

async function signIn(client: RestClient, memberId: string, password: string): Promise<string> {
  const answer = await client.request({ method: 'POST', path: '/v1/sessions', body: { memberId, password } });
  return parseText(answer, 'accessToken');
}

/** @throws Error when an answer lacks the text it must have */
export function parseText(value: unknown, member: string): string {
  const found = (value as Record<string, unknown> | null | undefined)?.[member];
  if (typeof found !== 'string') throw new Error(`The gateway answered without ${member}.`);
  return found;
}
