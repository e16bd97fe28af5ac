import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jsonOf, send } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';
import { ROUTE_MATRIX } from './route-matrix.js';
import { probeRoute, ROUTE_PROBES } from './route-probes.js';
import { makeRouteWorld, type RouteWorld } from './route-world.js';
import { type Case, ROUTE_CASES, verdictFor } from './rules.js';

let network: RunningNetwork;
let world: RouteWorld;

beforeAll(async () => {
  network = await runNetwork({ doctors: 4 });
  world = await makeRouteWorld(network);
});
afterAll(async () => {
  await network?.stop();
  network?.remove();
});

describe('the authorisation matrix of the routes', () => {
  it('names exactly the routes that the running gateway says it has', async () => {
    const reply = await send(network.gatewayUrl('HospitalAMSP'), { method: 'GET', path: '/openapi.json' });
    const { paths } = jsonOf<{ paths: Record<string, object> }>(reply);
    const running = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(Object.keys(ROUTE_MATRIX).sort()).toEqual(running.sort());
  });

  it.each(Object.keys(ROUTE_PROBES))('%s: permitted and refused as declared, in every case', async (route) => {
    const observe = async (asked: Case) => `${asked} ${await probeRoute(world.caseOf(asked), route)}`;
    const observed: string[] = [];
    // What changes something uses up what the next case asks for.
    if (route.startsWith('GET ')) observed.push(...(await Promise.all(ROUTE_CASES.map(observe))));
    else for (const asked of ROUTE_CASES) observed.push(await observe(asked));
    const rules = ROUTE_MATRIX[route] ?? [];
    expect(observed).toEqual(ROUTE_CASES.map((asked) => `${asked} ${verdictFor(rules, asked)}`));
  });
});
