import { X509Certificate } from 'node:crypto';
import { common, msp } from '@hyperledger/fabric-protos';
import type { BlockParts } from '../../../network/devledger/commit/block-codec.js';
import { decoded } from '../../../network/devledger/commit/envelope.js';
import type { MspDefinition } from '../../../network/devledger/msp.js';
import { configDataOf } from './config-transaction.js';

/** Groups of a channel's configuration that hold organisations. */
const GROUPS = ['Application', 'Orderer'];

/**
 * How the organisations in a block of configuration differ from the certificates in the data folder, which decide who
 * is believed in all other checks.
 *
 * @returns undefined when they are the same, or the block is none of configuration
 */
export function membersFault({ envelopes }: BlockParts, definitions: readonly MspDefinition[]): string | undefined {
  const named = envelopes.flatMap(membersIn);
  if (named.length === 0) return undefined;
  for (const { mspId, authorities } of named) {
    const known = definitions.find((definition) => definition.mspId === mspId);
    if (known === undefined) return `it names ${mspId}, which has no certificates in organizations/`;
    const expected = known.caCertPems.map(fingerprint);
    if (authorities.length === 0 || authorities.some((authority) => !expected.includes(authority)))
      return `it names another authority of ${mspId} than organizations/`;
  }
  const missing = definitions.find(({ mspId }) => named.every((member) => member.mspId !== mspId));
  return missing && `it does not name ${missing.mspId}`;
}

interface NamedMember {
  readonly mspId: string;
  /** Fingerprints. */
  readonly authorities: readonly string[];
}

function membersIn(bytes: Uint8Array): readonly NamedMember[] {
  const data = configDataOf(bytes);
  const config = data && decoded(() => common.ConfigEnvelope.deserializeBinary(data).getConfig());
  const groups = config?.getChannelGroup()?.getGroupsMap();
  return GROUPS.flatMap((name) => groupsOf(groups?.get(name))).flatMap((group) => memberOf(group) ?? []);
}

function groupsOf(group: common.ConfigGroup | undefined): readonly common.ConfigGroup[] {
  const found: common.ConfigGroup[] = [];
  group?.getGroupsMap().forEach((member: common.ConfigGroup) => {
    found.push(member);
  });
  return found;
}

function memberOf(group: common.ConfigGroup): NamedMember | undefined {
  const value = group.getValuesMap().get('MSP');
  const config = value && decoded(() => msp.MSPConfig.deserializeBinary(value.getValue_asU8()));
  const fabric = config && decoded(() => msp.FabricMSPConfig.deserializeBinary(config.getConfig_asU8()));
  const authorities = fabric
    ?.getRootCertsList_asU8()
    .map((pem: Uint8Array) => fingerprint(Buffer.from(pem).toString('utf8')));
  return fabric && { mspId: fabric.getName(), authorities: authorities ?? [] };
}

function fingerprint(pem: string): string {
  return decoded(() => new X509Certificate(pem).fingerprint256) ?? '';
}
