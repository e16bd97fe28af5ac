import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Registry } from '@prometheus-io/client';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { buildApp } from './app.js';
import { bringMissedDeposits } from './composition/bring-missed.js';
import { buildServices } from './composition/build-services.js';
import { Closers } from './composition/closers.js';
import { custodianDoors } from './composition/custodian-doors.js';
import { internalTrust } from './composition/follow-consortium.js';
import { addLaneCounters } from './composition/lane-counters.js';
import { type GatewayChain, openGatewayChain } from './composition/open-chain.js';
import { openGatewayStores } from './composition/open-stores.js';
import { type GatewayVault, openGatewayVault } from './composition/open-vault.js';
import { openChainViews } from './composition/open-views.js';
import { connectOtherGateways, type OtherGateways } from './composition/other-gateways.js';
import { ownInternalApi } from './composition/own-internal-api.js';
import { whatIsNotReady } from './composition/readiness.js';
import { attestersOf, ownAttester } from './composition/receipt-parts.js';
import type { GatewayConfig } from './config.js';
import { verifySignature } from './custody/verify-signature.js';
import { type Custody, openCustody } from './custody/open-custody.js';
import { custodianKeys, pinnedOrganisations } from './identity/pinned-consortium.js';
import { buildInternalServer } from './internal/internal-server.js';
import { createBackgroundWork } from './services/background-work.js';
import type { CustodianDoor } from './services/custodians.js';
import { ownPeer } from './services/own-peer.js';

export interface Gateway {
  /** REST, for members. */
  readonly app: Pick<FastifyInstance, 'listen'>;
  /** HTTPS with client certificates, for other gateways. */
  readonly internal: Pick<FastifyInstance, 'listen'>;
  /** Stops listening, finishes what runs, closes every store. */
  close(): Promise<void>;
}

type Context = { config: GatewayConfig; logger: FastifyBaseLogger; metrics: Registry; closers: Closers };
type Parts = {
  others: OtherGateways;
  ledgerSide: GatewayChain;
  views: ReturnType<typeof openChainViews>;
  custody: Custody | undefined;
  vault: GatewayVault;
};

/**
 * One organisation's gateway: REST for its members, its custodian, its vault node.
 *
 * @throws Error with a sentence when a store cannot be opened: a gateway never runs on without one
 */
export async function openGateway(
  config: GatewayConfig,
  logger: FastifyBaseLogger,
  metrics: Registry,
): Promise<Gateway> {
  mkdirSync(config.storeDir, { recursive: true });
  const closers = new Closers();
  const context = { config, logger, metrics, closers };
  try {
    const parts = await openParts(context);
    const internal = closers.add(internalServer(context, parts), (server) => server.close());
    const app = await restApp(context, parts);
    return { app, internal, close: () => closers.closeAll() };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function openParts({ config, logger, closers }: Context): Promise<Parts> {
  const others = closers.add(connectOtherGateways(config), (part) => part.close());
  const ledgerSide = closers.add(openGatewayChain(config, logger), (part) => part.close());
  const { ledger, serviceIdentity: identity } = ledgerSide;
  const views = openChainViews({ config, ledger, identity, logger });
  if (views !== undefined) closers.add(views, (part) => part.stop());
  const custody = await openOwnCustody(config, ledgerSide);
  if (custody !== undefined) closers.add(custody, (part) => part.close());
  const { storeDir: directory, host, organisation, kuboUrl } = config;
  const port = organisation.gateway.vaultPort;
  const onIncident = (): void => undefined;
  const vault = await openGatewayVault({ directory, host, port, kuboUrl, others: others.apis, logger, onIncident });
  closers.add(vault, (part) => part.stop());
  return { others, ledgerSide, views, custody, vault };
}

async function openOwnCustody(
  config: GatewayConfig,
  { ledger, serviceIdentity }: GatewayChain,
): Promise<Custody | undefined> {
  const { organisation, topology, storeDir, dataDir } = config;
  if (!organisation.custodian) return undefined;
  return openCustody({
    mspId: organisation.mspId,
    channel: topology.channel,
    chaincode: topology.chaincode.name,
    peer: ownPeer(ledger, serviceIdentity),
    pinned: pinnedOrganisations(dataDir, topology),
    clock: Date.now,
    directory: join(storeDir, 'custody'),
    keyPath: join(storeDir, 'custodian.key'),
  });
}

async function restApp(context: Context, parts: Parts): Promise<Gateway['app']> {
  const { others, ledgerSide, views, custody, vault } = parts;
  const { config, logger, metrics, closers } = context;
  const { mspId, name, peer } = config.organisation;
  const { chain, ledger, serviceIdentity } = ledgerSide;
  addLaneCounters(metrics, chain.metrics);
  const doors = doorsOf(config, others, custody);
  const stores = await openGatewayStores(config, closers);
  closers.add(bringMissedDeposits(stores.missed, doors, logger), (stop) => stop());
  const background = closers.add(createBackgroundWork(), (part) => part.stop());
  const readiness = { config, chain, serviceIdentity, others: others.apis, custodians: doors };
  const services = buildServices({
    ...stores,
    background,
    config,
    logger,
    chain,
    ledgerSide,
    views,
    attesters: attestersOf(config, ownAttester(ledgerSide, views), others.apis),
    vault: vault.replicated,
    custodians: () => doors,
    notReady: () => whatIsNotReady(readiness),
  });
  ledger
    .recoverOutbox(serviceIdentity)
    .catch((error: unknown) => logger.error({ err: error }, 'transactions of the last run are still unknown'));
  const app = await buildApp({
    services,
    organisation: { mspId, name, hasPeer: peer !== undefined },
    logger,
    limits: {
      recordBytesMax: config.bodyLimitBytes,
      bundleBytesMax: config.bodyLimitBytes,
      eventLoopDelayMsMax: config.eventLoopDelayMsMax,
    },
    stores: { idempotencyPath: join(config.storeDir, 'idempotency.sqlite') },
    metrics,
  });
  return closers.add(app, (part) => part.close());
}

function doorsOf(config: GatewayConfig, others: OtherGateways, custody: Custody | undefined): readonly CustodianDoor[] {
  const { topology, dataDir, organisation } = config;
  const keys = custodianKeys(dataDir, pinnedOrganisations(dataDir, topology), verifySignature);
  const own = custody === undefined ? {} : { own: { mspId: organisation.mspId, custody } };
  return custodianDoors({ topology, keys, others: others.apis, ...own });
}

function internalServer({ config, logger, closers }: Context, parts: Parts): FastifyInstance {
  const { ledgerSide, views, custody, vault } = parts;
  const trust = internalTrust(config, logger);
  const { attest } = ownAttester(ledgerSide, views);
  const api = ownInternalApi({ custody, vault: vault.local, attest });
  const server = buildInternalServer({ api, tls: trust.tls, organisationOf: trust.organisationOf, logger });
  closers.add(trust.follow(server.server), (following) => following.close());
  return server;
}
