import type { Organisation, Topology } from '../topology.js';

export type Peer = NonNullable<Organisation['peer']>;

/** An organisation with a peer. */
export type PeerOrganisation = Organisation & { readonly peer: Peer };

export function peerOrganisations({ organisations }: Topology): readonly PeerOrganisation[] {
  return organisations.filter((organisation): organisation is PeerOrganisation => organisation.peer !== undefined);
}

export function endorsingMspIds({ organisations }: Topology): readonly string[] {
  return organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
}

/** `hospital-a` for hospital-a.medledger.example, `orderer2` for orderer2.medledger.example. */
export function slugOf(domain: string): string {
  return domain.split('.', 1).join('');
}

/** One machine: what every process of the network binds and dials. */
export const LOOPBACK = '127.0.0.1';
