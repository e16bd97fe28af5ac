import { watchFile, unwatchFile } from 'node:fs';
import { Server } from 'node:tls';
import type { FastifyBaseLogger } from 'fastify';
import { addedOrganisationsFile, withAddedOrganisations } from '../../network/added-organisations.js';
import type { Topology } from '../../network/topology.js';
import type { GatewayConfig } from '../config.js';
import { organisationByTlsCertificate, readTls, tlsCaBundle } from '../identity/network-identities.js';

/** Whose gateways may come in, as of now. */
export interface InternalTrust {
  readonly tls: { readonly certificatePem: string; readonly keyPem: string; readonly caPem: string };
  /** @returns MSP id, or undefined for a stranger */
  organisationOf(certificateDer: Uint8Array): string | undefined;
  /** Lets organisations in that join while the server runs. */
  follow(server: object): { close(): void };
}

/** An organisation that joined is waiting for it. Watched by time: notifications get lost over some file systems. */
const LOOK_MS = 500;

export function internalTrust(config: GatewayConfig, logger: FastifyBaseLogger): InternalTrust {
  const { dataDir } = config;
  let organisationOf = organisationByTlsCertificate(dataDir, config.topology);
  return {
    tls: tlsFor(config, config.topology),
    organisationOf: (certificateDer) => organisationOf(certificateDer)?.mspId,
    follow(server) {
      if (!(server instanceof Server)) throw new Error('invariant failed: gateways meet by TLS');
      const file = addedOrganisationsFile(dataDir);
      const look = () => {
        try {
          const topology = withAddedOrganisations(config.topology, dataDir);
          const { certificatePem, keyPem, caPem } = tlsFor(config, topology);
          organisationOf = organisationByTlsCertificate(dataDir, topology);
          server.setSecureContext({ cert: certificatePem, key: keyPem, ca: caPem });
          logger.info({ organisations: topology.organisations.length }, 'organisations are read again');
        } catch (error) {
          logger.error({ err: error }, 'organisations could not be read again; those known before are let in');
        }
      };
      watchFile(file, { interval: LOOK_MS, persistent: false }, look);
      return { close: () => unwatchFile(file, look) };
    },
  };
}

function tlsFor({ dataDir, organisation }: GatewayConfig, topology: Topology): InternalTrust['tls'] {
  return { ...readTls(dataDir, organisation.domain, { kind: 'gateway' }), caPem: tlsCaBundle(dataDir, topology) };
}
