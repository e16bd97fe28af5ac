import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { localTopology } from '../../../network/topology.js';
import { portsOf, requireFreePorts } from '../../../scripts/start/ports.js';
import { freePortBase } from '../../support/free-ports.js';

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

async function listenAt(port: number): Promise<void> {
  server = createServer();
  await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve));
}

describe('ports of a network', () => {
  it('are all different, and lie within the 50 of its base', () => {
    const ports = portsOf(localTopology(20_000)).map(({ port }) => port);
    expect(ports).toHaveLength(4 * 3 + 3 * 3);
    expect(new Set(ports).size).toBe(ports.length);
    expect(Math.min(...ports)).toBe(20_000);
    expect(Math.max(...ports)).toBeLessThan(20_050);
  });

  it('a taken one is named, with what it is for and the option that helps', async () => {
    const portBase = await freePortBase();
    await listenAt(portBase + 31);
    await expect(requireFreePorts(localTopology(portBase), { patienceMs: 0 })).rejects.toThrow(
      `Port ${portBase + 31}, which is for the peer of Hospital B, is taken; stop what listens there, or choose other ports with --port-base.`,
    );
  });

  it('one that becomes free in time is waited for', async () => {
    const portBase = await freePortBase();
    await listenAt(portBase);
    setTimeout(() => server?.close(), 100);
    await expect(requireFreePorts(localTopology(portBase), { patienceMs: 5_000 })).resolves.toBeUndefined();
  });
});
