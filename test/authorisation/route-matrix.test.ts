import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IS_FULL } from '../support/full-run.js';
import { jsonOf, send } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';
import { ROUTE_MATRIX } from './route-matrix.js';
import { probeRoute, ROUTE_PROBES } from './route-probes.js';
import { makeRouteWorld, type RouteWorld } from './route-world.js';
import { type Case, type Rule, ROUTE_CASES, ruleFor, verdictFor } from './rules.js';

/**
 * Of the cases for which one rule of a changing route speaks `npm test` tries so many, not the same ones for every route.
 * `npm run test:full` tries all, as both do where nothing is changed.
 */
const CASES_PER_RULE = 3;

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

  it.each(Object.keys(ROUTE_PROBES))('%s: permitted and refused as declared', async (route) => {
    const rules = ROUTE_MATRIX[route] ?? [];
    const cases = casesOf(route, rules);
    const observe = async (asked: Case) => `${asked} ${await probeRoute(world.caseOf(asked), route)}`;
    const observed: string[] = [];
    // What changes something uses up what the next case asks for.
    if (route.startsWith('GET ')) observed.push(...(await Promise.all(cases.map(observe))));
    else for (const asked of cases) observed.push(await observe(asked));
    expect(observed).toEqual(cases.map((asked) => `${asked} ${verdictFor(rules, asked)}`));
  });
});

function casesOf(route: string, rules: readonly Rule[]): readonly Case[] {
  if (IS_FULL || route.startsWith('GET ')) return ROUTE_CASES;
  const at = Object.keys(ROUTE_PROBES).indexOf(route);
  const byRule = [...Map.groupBy(ROUTE_CASES, (asked) => ruleFor(rules, asked)).values()];
  const chosen = byRule.flatMap((cases) =>
    cases.map((_, index) => cases[(index + at) % cases.length] ?? 'nobody/other').slice(0, CASES_PER_RULE),
  );
  return ROUTE_CASES.filter((asked) => chosen.includes(asked));
}
