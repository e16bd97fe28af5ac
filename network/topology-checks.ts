import { type ChaincodeEntry, hasGateways, type LedgerTopology, ORDERER_DOMAIN, ordererDomainOf } from './topology.js';

/**
 * What is wrong between the parts of a topology whose shape is right.
 *
 * @returns one sentence, or undefined when nothing is
 */
export function findContradiction(topology: LedgerTopology): string | undefined {
  return (
    twice(
      'mspId',
      topology.organisations.map(({ mspId }) => mspId),
    ) ??
    twice(
      'domain',
      topology.organisations.map(({ domain }) => domain),
    ) ??
    twice(
      'chaincode',
      (topology.chaincodes ?? []).map(({ name }) => name),
    ) ??
    endorsementFault(topology) ??
    chaincodeFault(topology) ??
    gatewayFault(topology) ??
    twice(
      'port',
      allPorts(topology).filter((port) => port !== 0),
    )
  );
}

function twice(what: string, values: readonly (string | number)[]): string | undefined {
  const again = values.find((value, index) => values.indexOf(value) !== index);
  return again === undefined ? undefined : `${what} ${again} is there twice; each takes its own.`;
}

function endorsementFault({ organisations, endorsementsNeeded }: LedgerTopology): string | undefined {
  const endorsers = organisations.filter(({ endorses }) => endorses);
  const without = endorsers.find(({ peer }) => peer === undefined);
  if (without !== undefined) return `${without.mspId} endorses and has no peer; give it one, or set endorses to false.`;
  if (endorsers.length >= endorsementsNeeded) return undefined;
  return `endorsementsNeeded is ${endorsementsNeeded} and only ${endorsers.length} organisations endorse.`;
}

function chaincodeFault({ chaincodes = [], chaincode }: LedgerTopology): string | undefined {
  for (const entry of chaincodes) {
    const fault = serviceFault(entry);
    if (fault !== undefined) return `chaincode ${entry.name} ${fault}`;
  }
  const taken = chaincodes.find(({ name }) => name === chaincode?.name);
  return taken === undefined ? undefined : `chaincode ${taken.name} is that of medledger; call yours something else.`;
}

/** What does not go together in how a chaincode is reached; one sentence without its subject. */
export function serviceFault({ address, connection, folder, tls }: ServicePlace): string | undefined {
  const isService = address !== undefined || connection !== undefined;
  if (isService && folder !== undefined) {
    return 'takes one of folder and address (or connection), or none of them where it dials in.';
  }
  if (tls === undefined) return undefined;
  if (connection !== undefined) return 'has its TLS in connection.json; leave tls out, or take address and tls alone.';
  if (address === undefined)
    return 'has tls, which is for a service at an address; give the address, or leave tls out.';
  if ((tls.clientCert === undefined) === (tls.clientKey === undefined)) return undefined;
  return 'takes both a client certificate and its key, or neither.';
}

type ServicePlace = Pick<ChaincodeEntry, 'address' | 'connection' | 'folder' | 'tls'>;

function gatewayFault(topology: LedgerTopology): string | undefined {
  if (topology.chaincode === undefined) return undefined;
  if (ordererDomainOf(topology) !== ORDERER_DOMAIN) {
    return `ordererDomain is for a ledger alone; that of the consortium is ${ORDERER_DOMAIN}.`;
  }
  if (!hasGateways(topology)) {
    const missing = topology.organisations.find((organisation) => !('gateway' in organisation));
    return `medledger.gateways has none for ${missing?.mspId}; every organisation runs one.`;
  }
  const lost = topology.organisations.find(({ gateway }) => !hasPeer(topology, gateway.peerMspId));
  if (lost === undefined) return undefined;
  return `the gateway of ${lost.mspId} goes to the peer of ${lost.gateway.peerMspId}, which has none; name another in peerMspId.`;
}

function hasPeer({ organisations }: LedgerTopology, mspId: string): boolean {
  return organisations.some((organisation) => organisation.mspId === mspId && organisation.peer !== undefined);
}

function allPorts(topology: LedgerTopology): number[] {
  const { organisations, orderers } = topology;
  const peers = organisations.flatMap(({ peer }) =>
    peer === undefined ? [] : [peer.port, peer.chaincodePort, peer.operationsPort],
  );
  const gateways = hasGateways(topology)
    ? topology.organisations.flatMap(({ gateway }) => [gateway.port, gateway.internalPort, gateway.vaultPort])
    : [];
  return [
    ...peers,
    ...gateways,
    ...orderers.flatMap(({ port, adminPort, operationsPort }) => [port, adminPort, operationsPort]),
  ];
}
