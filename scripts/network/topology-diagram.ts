import type { Organisation, Topology } from '../../network/topology.js';
import type { LedgerKind } from '../start/ledger-choice.js';

/**
 * The processes of a network, where they listen, and who calls whom, as a flow chart of Mermaid. An arrow goes from
 * whoever opens the connection.
 *
 * @see https://mermaid.js.org/syntax/flowchart.html
 */
export function topologyDiagram(topology: Topology, ledger: LedgerKind): string {
  const { organisations } = topology;
  const lines = [
    'flowchart LR',
    '  members(["members: browsers, hospital systems"])',
    ...organisations.flatMap((organisation) => organisationLines(organisation, topology)),
    ...(ledger === 'fabric' ? ordererLines(topology) : ['  orderer["orderer, in the process of the ledger"]']),
    ...organisations.flatMap((organisation) => callLines(organisation, topology, ledger)),
  ];
  return `${lines.join('\n')}\n`;
}

const idOf = ({ mspId }: Organisation): string => mspId.replaceAll(/\W/g, '_');
const ordererId = (index: number): string => `orderer${index + 1}`;

function organisationLines(organisation: Organisation, { chaincode }: Topology): readonly string[] {
  const { name, mspId, peer, gateway } = organisation;
  const id = idOf(organisation);
  const gatewayPorts = `REST :${gateway.port}<br>custodian, vault API :${gateway.internalPort}<br>IPFS :${gateway.vaultPort}`;
  return [
    `  subgraph ${id}["${name} (${mspId})"]`,
    `    ${id}_gateway["gateway<br>${gatewayPorts}"]`,
    ...(peer === undefined
      ? []
      : [
          `    ${id}_peer["peer ${peer.host}<br>gRPC :${peer.port}"]`,
          `    ${id}_chaincode["chaincode ${chaincode.name}<br>gRPC :${peer.chaincodePort}"]`,
        ]),
    '  end',
  ];
}

function ordererLines({ orderers }: Topology): readonly string[] {
  return [
    '  subgraph ordering["ordering service"]',
    ...orderers.map(
      ({ host, port, adminPort }, index) =>
        `    ${ordererId(index)}["${host}<br>gRPC :${port}<br>administration :${adminPort}"]`,
    ),
    '  end',
    ...orderers.flatMap((_, left) =>
      orderers
        .slice(left + 1)
        .map((_other, after) => `  ${ordererId(left)} <-- "mutual TLS" --> ${ordererId(left + 1 + after)}`),
    ),
  ];
}

function callLines(organisation: Organisation, topology: Topology, ledger: LedgerKind): readonly string[] {
  const { organisations, orderers } = topology;
  const id = idOf(organisation);
  const host = organisations.find(({ mspId }) => mspId === organisation.gateway.peerMspId);
  const others = organisations.filter(({ mspId }) => mspId > organisation.mspId);
  const ordering = ledger === 'fabric' ? orderers.map((_, index) => ordererId(index)) : ['orderer'];
  return [
    `  members -- "HTTP, TLS by a proxy" --> ${id}_gateway`,
    ...(host === undefined ? [] : [`  ${id}_gateway -- "gRPC over TLS" --> ${idOf(host)}_peer`]),
    ...others.map((other) => `  ${id}_gateway <-- "mutual TLS; IPFS with Noise" --> ${idOf(other)}_gateway`),
    ...(organisation.peer === undefined
      ? []
      : [
          `  ${id}_peer -- "gRPC" --> ${id}_chaincode`,
          ...others
            .filter(({ peer }) => peer !== undefined)
            .map((other) => `  ${id}_peer <-- "gossip over TLS" --> ${idOf(other)}_peer`),
          ...ordering.map((orderer) => `  ${id}_peer -- "gRPC over TLS" --> ${orderer}`),
        ]),
  ];
}
