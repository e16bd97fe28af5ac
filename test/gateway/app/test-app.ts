import { Writable } from 'node:stream';
import { pino } from 'pino';
import { type AppOptions, buildApp } from '../../../gateway/app.js';
import type { GatewayApp } from '../../../gateway/plugins/gateway-app.js';
import { type MemoryServices, memoryServices } from './memory-services.js';

export interface TestApp {
  readonly app: GatewayApp;
  readonly services: MemoryServices;
  /** Every line that was logged, as text. */
  readonly logged: string[];
  /** A patient who is signed in. */
  readonly patientId: string;
  readonly headers: { readonly authorization: string };
}

/** The whole app with its real plugins and a memory double of the use cases. */
export async function startTestApp(options: Partial<AppOptions> = {}): Promise<TestApp> {
  const services = memoryServices();
  const logged: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      logged.push(String(chunk));
      done();
    },
  });
  const app = await buildApp({
    services,
    organisation: { mspId: 'HospitalAMSP', name: 'Hospital A', hasPeer: true },
    logger: pino({ level: 'info' }, sink),
    stores: { idempotencyPath: ':memory:' },
    ...options,
    // A busy machine is no overloaded gateway.
    limits: { eventLoopDelayMsMax: 600_000, ...options.limits },
  });
  await app.ready();
  const password = 'correct horse battery';
  const { patientId } = await services.signUpPatient({ password });
  const { accessToken } = await services.signIn({ memberId: patientId, password });
  services.calls.length = 0;
  return { app, services, logged, patientId, headers: { authorization: `Bearer ${accessToken}` } };
}
