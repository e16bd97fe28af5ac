import type { AddOptions } from '@helia/unixfs';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { balanced } from 'ipfs-unixfs-importer/layout';

export const BLOCK_SIZE_BYTES_MAX = 1_048_576;
const LINKS_PER_NODE_MAX = 1024;

/**
 * How bytes become a CID: the profile `unixfs-v1-2025` of IPIP-499, written out in full. Libraries and versions
 * differ in their defaults, and another value here gives the same bytes another CID.
 */
export const CID_SETTINGS = {
  profile: 'unixfs-v1-2025',
  cidVersion: 1,
  rawLeaves: true,
  reduceSingleLeafToSelf: true,
  wrapWithDirectory: false,
  fieldOrder: 'links-first',
  chunker: fixedSize({ chunkSize: BLOCK_SIZE_BYTES_MAX }),
  layout: balanced({ maxChildrenPerNode: LINKS_PER_NODE_MAX }),
} as const satisfies AddOptions;

/**
 * The same for `add` of Kubo's RPC. Whatever a node's configuration (`Import`) could set otherwise is in the call:
 * its defaults give other CIDs.
 */
export const KUBO_ADD_SETTINGS = {
  'cid-version': CID_SETTINGS.cidVersion,
  hash: 'sha2-256',
  'raw-leaves': CID_SETTINGS.rawLeaves,
  'wrap-with-directory': CID_SETTINGS.wrapWithDirectory,
  chunker: `size-${BLOCK_SIZE_BYTES_MAX}`,
  trickle: false,
  'max-file-links': LINKS_PER_NODE_MAX,
  inline: false,
} as const;
