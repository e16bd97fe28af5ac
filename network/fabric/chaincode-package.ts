import { createHash } from 'node:crypto';
import type { Topology } from '../topology.js';
import { LOOPBACK, type Peer } from './members.js';
import { tarGz } from './tape-archive.js';

export interface ChaincodePackage {
  /** `<label>:<SHA-256 of the bytes>`; the chaincode service registers under it. */
  readonly id: string;
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** Names between braces are filled in by chaincode-builder.ts. */
const TLS_CONNECTION = {
  tls_required: true,
  client_auth_required: true,
  domain: '{{.domain}}',
  client_key: '{{.client_key}}',
  client_cert: '{{.client_cert}}',
  root_cert: '{{.root_cert}}',
};

/**
 * The package that an organisation installs on its peer: no code, only where its chaincode service listens. By which
 * certificates they know each other is put in by the peer's builder, so that the package has no key in it and stays the
 * same when they are renewed.
 *
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/cc_service.html
 */
export function chaincodePackage({ chaincode }: Topology, { chaincodePort }: Peer): ChaincodePackage {
  const label = `${chaincode.name}_${chaincode.version}`;
  const connection = {
    address: `${LOOPBACK}:${chaincodePort}`,
    // A service that is gone holds up an endorsement so long, each time its peer is asked for one.
    dial_timeout: '1s',
    ...(chaincode.tls === true ? TLS_CONNECTION : { tls_required: false }),
  };
  const bytes = tarGz([
    { name: 'metadata.json', content: json({ type: 'ccaas', label }) },
    { name: 'code.tar.gz', content: tarGz([{ name: 'connection.json', content: json(connection) }]) },
  ]);
  return { id: `${label}:${createHash('sha256').update(bytes).digest('hex')}`, label, bytes };
}

function json(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`, 'utf8');
}
