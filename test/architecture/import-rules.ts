import { COMPUTED_AT_RUN_TIME, importsOf, type SourceFile } from './source-files.js';

/** Who may import what. Folders end with a slash; anything else is a file without its extension, or a package. */
export interface ImportRule {
  readonly name: string;
  /** Folders (or files) the rule is about. */
  readonly from: readonly string[];
  readonly except?: readonly string[];
  /** Of the project, only these. */
  readonly onlyFolders?: readonly string[];
  /** Of packages and Node itself, only these. */
  readonly onlyPackages?: readonly string[];
  /** None of these, wherever they are. */
  readonly never?: readonly string[];
  /** Allowed although one of `never` names the place around it. */
  readonly tolerated?: readonly string[];
}

const PROJECT_FOLDERS = ['chaincode/', 'gateway/', 'network/', 'scripts/', 'test/'];
const PRODUCT = ['chaincode/', 'gateway/', 'network/'];
/** What every part of the gateway may know: its error, and how to write so that it stays written. */
const GATEWAY_COMMON = ['gateway/medledger-error', 'gateway/durable-files', 'gateway/durable-database'];
const DOMAIN_DOOR = '@medledger/chaincode/domain';
const ABOVE_SERVICES = ['gateway/routes/', 'gateway/plugins/', 'gateway/schemas/', 'gateway/portal/', 'gateway/app'];
/** What the bench compares our code with: the same work by Fabric's libraries alone. */
const BARE_BASELINES = 'scripts/bench/baseline/';
const SHIM = ['fabric-shim', 'fabric-shim-api', 'fabric-contract-api'];

/** The arrows of design §3. */
export const IMPORT_RULES: readonly ImportRule[] = [
  {
    name: 'domain knows itself and @noble/hashes',
    from: ['chaincode/domain/'],
    onlyFolders: ['chaincode/domain/'],
    onlyPackages: ['@noble/hashes'],
  },
  {
    name: 'state knows itself and domain',
    from: ['chaincode/state/'],
    onlyFolders: ['chaincode/state/', 'chaincode/domain/'],
  },
  {
    name: 'contracts know state and domain, and reach the stub through state only',
    from: ['chaincode/contracts/'],
    onlyFolders: ['chaincode/contracts/', 'chaincode/state/', 'chaincode/domain/'],
    onlyPackages: ['fabric-contract-api'],
  },
  {
    name: 'chaincode knows no client of Fabric: two copies of fabric-protos in one process break each other',
    from: ['chaincode/'],
    onlyFolders: ['chaincode/'],
    never: ['@hyperledger/', '@grpc/', '@medledger/'],
  },
  {
    name: 'the shim is loaded by chaincode only',
    from: ['gateway/', 'network/', 'scripts/'],
    except: [BARE_BASELINES],
    never: SHIM,
  },
  {
    name: 'whoever is not chaincode takes its domain by the door',
    from: ['gateway/', 'network/', 'scripts/'],
    never: ['chaincode/', '@medledger/chaincode'],
    tolerated: [DOMAIN_DOOR],
  },
  {
    name: 'routes know services, schemas and plugins',
    from: ['gateway/routes/'],
    onlyFolders: ['gateway/routes/', 'gateway/services/', 'gateway/schemas/', 'gateway/plugins/', ...GATEWAY_COMMON],
  },
  {
    name: 'schemas and plugins know services, and nothing behind them',
    from: ['gateway/schemas/', 'gateway/plugins/'],
    onlyFolders: ['gateway/schemas/', 'gateway/plugins/', 'gateway/services/', ...GATEWAY_COMMON],
  },
  {
    name: 'services know what they use, and nobody who uses them',
    from: ['gateway/services/'],
    onlyFolders: [
      'gateway/services/',
      ...GATEWAY_COMMON,
      'gateway/ledger/',
      'gateway/vault/',
      'gateway/custody/',
      'gateway/identity/',
      'gateway/projections/',
      'gateway/fhir/',
    ],
  },
  {
    name: 'ledger, vault, custody and identity know no service and no route',
    from: ['gateway/ledger/', 'gateway/vault/', 'gateway/custody/', 'gateway/identity/'],
    never: ['gateway/services/', 'gateway/composition/', 'gateway/internal/', ...ABOVE_SERVICES],
  },
  {
    name: 'projections know the shapes that services answer, and nothing else of them',
    from: ['gateway/projections/'],
    never: ['gateway/services/', 'gateway/composition/', 'gateway/internal/', ...ABOVE_SERVICES],
    tolerated: ['gateway/services/medledger'],
  },
  {
    name: 'ledger and vault know none of their neighbours',
    from: ['gateway/ledger/', 'gateway/vault/'],
    never: ['gateway/custody/', 'gateway/identity/', 'gateway/projections/', 'gateway/fhir/'],
  },
  {
    name: 'only gateway/ledger speaks to Fabric',
    from: PRODUCT.concat('scripts/'),
    except: ['gateway/ledger/', BARE_BASELINES],
    never: ['@hyperledger/fabric-gateway'],
  },
  {
    name: 'of the gateway, only gateway/ledger reads the messages of Fabric',
    from: ['gateway/'],
    except: ['gateway/ledger/'],
    never: ['@hyperledger/fabric-protos', '@grpc/'],
  },
  {
    name: 'of the gateway, only gateway/identity knows how certificates are made',
    from: ['gateway/'],
    except: ['gateway/identity/'],
    never: ['network/identities/'],
  },
  {
    name: 'the gateway knows no ledger from within',
    from: ['gateway/'],
    never: ['network/devledger/', 'network/fabric/', 'network/consortium/'],
  },
  {
    name: 'the network knows no gateway',
    from: ['network/'],
    never: ['gateway/'],
  },
  {
    name: 'devledger knows neither chaincode nor its rules',
    from: ['network/devledger/'],
    never: ['chaincode/', '@medledger/'],
  },
  {
    name: 'the portal runs in a browser: the domain, its own files and what a browser can load',
    from: ['gateway/portal/'],
    onlyFolders: ['gateway/portal/'],
    onlyPackages: [DOMAIN_DOOR, 'preact', '@preact/signals', 'uplot', 'uqr', '@noble/hashes', '@hpke/core'],
  },
  {
    name: 'the product knows neither its scripts nor its tests',
    from: PRODUCT,
    never: ['scripts/', 'test/'],
  },
];

export interface BrokenArrow {
  readonly rule: string;
  readonly from: string;
  readonly target: string;
}

export function findBrokenArrows(
  files: readonly SourceFile[],
  rules: readonly ImportRule[] = IMPORT_RULES,
): readonly BrokenArrow[] {
  return files.flatMap((file) => {
    const about = rules.filter(({ from, except }) => isUnder(file.path, from) && !isUnder(file.path, except ?? []));
    if (about.length === 0) return [];
    return importsOf(file).flatMap(({ target }) =>
      about.filter((rule) => !allows(rule, target)).map((rule) => ({ rule: rule.name, from: file.path, target })),
    );
  });
}

function allows(rule: ImportRule, target: string): boolean {
  // What is loaded under a computed name cannot be judged.
  if (target === COMPUTED_AT_RUN_TIME) return false;
  if (isUnder(target, rule.tolerated ?? [])) return true;
  if (isUnder(target, rule.never ?? [])) return false;
  const only = isUnder(target, PROJECT_FOLDERS) ? rule.onlyFolders : rule.onlyPackages;
  return only === undefined || isUnder(target, only);
}

function isUnder(path: string, places: readonly string[]): boolean {
  return places.some(
    (place) => path === place || path.startsWith(place.endsWith('/') ? place : `${place}/`) || `${path}/` === place,
  );
}
