import { type Static, Type } from 'typebox';

/** Counts the layouts of the file. */
export const TOPOLOGY_FORMAT = 1;

const closed = { additionalProperties: false };
/** 0 takes a free port; meant for tests and for programs that ask for the endpoints. */
const port = Type.Integer({ minimum: 0, maximum: 65_535 });
/** Names folders, and stands in certificates. */
const hostName = Type.String({
  pattern: '^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$',
});
const mspId = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$' });
/** @see Fabric common/configtx/validator.go, channelAllowedChars */
const channel = Type.String({ pattern: '^[a-z][a-z0-9.-]{0,248}$' });
/** @see Fabric core/chaincode/lifecycle/scc.go, ChaincodeNameRegExp and ChaincodeVersionRegExp */
const chaincodeName = Type.String({ pattern: '^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$', maxLength: 128 });
const chaincodeVersion = Type.String({ pattern: '^[A-Za-z0-9_.+-]+$', maxLength: 128 });

const path = Type.String({ minLength: 1, maxLength: 4_096 });

const Peer = Type.Object({ host: Type.Optional(hostName), port, chaincodePort: port, operationsPort: port }, closed);

const OrganisationEntry = Type.Object(
  {
    mspId,
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    domain: hostName,
    peer: Type.Optional(Peer),
    endorses: Type.Optional(Type.Boolean()),
    users: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$' }), { maxItems: 100 })),
  },
  closed,
);

/** Of a chaincode that is deployed. */
export const ChaincodeFields = {
  name: chaincodeName,
  version: chaincodeVersion,
  sequence: Type.Integer({ minimum: 1 }),
  address: Type.Optional(Type.String({ pattern: '^[^:/\\s]+:[0-9]{1,5}$' })),
  connection: Type.Optional(path),
  tls: Type.Optional(
    Type.Object({ rootCert: path, clientCert: Type.Optional(path), clientKey: Type.Optional(path) }, closed),
  ),
  folder: Type.Optional(path),
  policy: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000 })),
  collections: Type.Optional(path),
  initRequired: Type.Optional(Type.Boolean()),
};

const Chaincode = Type.Object(ChaincodeFields, closed);

const Gateway = Type.Object(
  { mspId, custodian: Type.Boolean(), port, internalPort: port, vaultPort: port, peerMspId: Type.Optional(mspId) },
  closed,
);

/** The JSON of a topology file; docs/topology.md says what the fields mean. */
export const TopologyFileShape = Type.Object(
  {
    format: Type.Literal(TOPOLOGY_FORMAT),
    channel,
    consensus: Type.Optional(Type.Enum(['raft', 'bft'])),
    batch: Type.Optional(
      Type.Object(
        {
          timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000 })),
          maxMessageCount: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
          preferredMaxBytes: Type.Optional(Type.Integer({ minimum: 1024, maximum: 16 * 1024 * 1024 })),
        },
        closed,
      ),
    ),
    endorsementsNeeded: Type.Optional(Type.Integer({ minimum: 1 })),
    orderers: Type.Optional(
      Type.Array(Type.Object({ host: hostName, port, adminPort: port, operationsPort: port }, closed), {
        maxItems: 20,
      }),
    ),
    ordererDomain: Type.Optional(hostName),
    organisations: Type.Array(OrganisationEntry, { minItems: 1, maxItems: 50 }),
    chaincodes: Type.Optional(Type.Array(Chaincode, { maxItems: 50 })),
    chaincodeTls: Type.Optional(Type.Boolean()),
    medledger: Type.Optional(
      Type.Object(
        {
          chaincode: Type.Object(
            { name: chaincodeName, version: chaincodeVersion, tls: Type.Optional(Type.Boolean()) },
            closed,
          ),
          gateways: Type.Array(Gateway, { minItems: 1, maxItems: 50 }),
        },
        closed,
      ),
    ),
  },
  closed,
);

export type TopologyFile = Static<typeof TopologyFileShape>;
