import { Command, InvalidArgumentError, Option } from 'commander';
import { CONSENSUS_KINDS, PORTS_PER_NETWORK } from '../network/topology.js';
import { addedLines, addOrganisation } from './network/add-organisation.js';
import { writeComposeFile } from './network/containers.js';
import { deploy } from './network/deploy.js';
import { diagnose } from './network/doctor.js';
import { down } from './network/down.js';
import { exportNetwork } from './network/export.js';
import { showLogs } from './network/logs.js';
import {
  type GivenOptions,
  type NetworkContext,
  networkContext,
  type PlainContext,
  plainContext,
} from './network/network-context.js';
import {
  type DeployOptions,
  deployChaincode,
  plainStatus,
  plainStatusLines,
  startPeer,
  stopPeer,
} from './network/plain-verbs.js';
import { replacedLines, replacePeer } from './network/peer-replacement.js';
import { type RevocationOptions, revoke, revokedLines } from './network/revocation.js';
import { type RenewalOptions, renew, renewedLines } from './network/renewal.js';
import { rebuildPeer } from './network/rebuild-peer.js';
import { restoreSnapshot } from './network/restore.js';
import { takeSnapshot } from './network/snapshot.js';
import { networkStatus, statusLines } from './network/status.js';
import { up, upPlain } from './network/up.js';
import { downloadLedger, LEDGER_KINDS } from './start/ledger-choice.js';
import { oneLine } from './start/one-line.js';
import { StartError } from './start/start-error.js';

const PORT_MIN = 1024;
const PORT_MAX = 65_535;
const LINES = 20;
const RENEW_WITHIN_DAYS = 60;

const program = new Command('npm run network --').description(
  'The ledger of a consortium on this machine, by itself: peers, orderers and chaincode services, without gateways. ' +
    '`npm start` runs the whole product, on either ledger.',
);

verb('up', 'brings the ledger up in the background; comes back when it serves').action(
  run(
    async (context) => print(context, await up(context), []),
    async (context) => print(context, await upPlain(context), []),
  ),
);
verb('down', 'stops it; the data stay').action(run(stop, stop));
verb('restart', 'down and up').action(
  run(
    async (context) => {
      await down(context);
      print(context, await up(context), []);
    },
    async (context) => {
      await down(context);
      print(context, await upPlain(context), []);
    },
  ),
);
verb('status', 'heights, lag, leader and consenters, processes, and which certificate ends first').action(
  run(
    async (context) => {
      const status = await networkStatus(context);
      print(context, status, statusLines(status));
    },
    async (context) => {
      const status = await plainStatus(context);
      print(context, status, plainStatusLines(status));
    },
  ),
);
verb('logs', 'the ends of the logs')
  .option('--of <process>', 'only of this process, e.g. peer-hospital-a')
  .option('--lines <count>', 'of each log', wholeNumber, LINES)
  .option('-f, --follow', 'go on with what is added', false)
  .action(run(logs, logs));
verb(
  'deploy',
  'installs, approves and commits what of the chaincode definition is missing, or puts --name on the channel',
)
  .option('--name <name>', 'of a chaincode beside that of the consortium; embedded ledger only')
  .option('--version <version>', 'of it')
  .option('--sequence <number>', 'of its definition; else the one that is due', wholeNumber)
  .option('--folder <dir>', 'a Node package or Go module, built and run for each endorsing peer')
  .option('--address <host:port>', 'a chaincode service that runs already; without --folder and this one it dials in')
  .option('--connection <file>', "of a service, instead of --address: connection.json of Fabric's chaincode packages")
  .option('--tls-root-cert <file>', 'PEM; the service has TLS, and this is the authority of its certificate')
  .option('--tls-client-cert <file>', 'PEM; what peers show the service')
  .option('--tls-client-key <file>', 'PEM; the key to it')
  .option('--init-required', 'its Init has to be called, once for each version, before anything else', false)
  .option('--policy <expression>', "e.g. AND('Org1MSP.member','Org2MSP.member'); else a majority of the endorsers")
  .option('--collections <file>', "private data collections, in Fabric's JSON")
  .action(
    run<DeployOptions>(deploy, async (context, options) => print(context, await deployChaincode(context, options), [])),
  );
verb('add-org', 'takes an organisation into the running network; FILE describes it (docs/organisations.md)')
  .argument('<file>')
  .action(
    runWith(async (context, file) => {
      const added = await addOrganisation(context, file);
      print(context, added, addedLines(added));
    }),
  );
verb('replace-peer', 'puts a new peer in the place of one whose ledger or keys are lost; the others go on')
  .requiredOption('--org <msp>', 'whose peer')
  .action(
    run(async (context, { org }: { org: string }) => {
      const replaced = await replacePeer(context, org);
      print(context, replaced, replacedLines(replaced));
    }),
  );
verb('revoke', 'takes back a certificate, or all of a member; a running ledger refuses them from then on')
  .option('--cert <file>', 'certificate in PEM')
  .option('--member <id>', 'whose certificates')
  .action(
    run(async (context, options: RevocationOptions) => {
      const revoked = await revoke(context, options);
      print(context, revoked, revokedLines(revoked));
    }),
  );
verb('renew', 'renews certificates that end soon, one process at a time; the network goes on')
  .option('--org <msp>', 'only of this organisation')
  .option('--within <days>', 'those that end within this time', wholeNumber, RENEW_WITHIN_DAYS)
  .action(
    run(async (context, options: RenewalOptions) => {
      const renewed = await renew(context, options);
      print(context, renewed, renewedLines(renewed));
    }),
  );
verb('stop-peer', 'stops one peer of a running embedded ledger; the others go on')
  .requiredOption('--org <msp>', 'MSP id of its organisation')
  .action(run(onEmbedded(stopPeer), onEmbedded(stopPeer)));
verb('start-peer', 'starts it again; it takes the blocks it has missed')
  .requiredOption('--org <msp>', 'MSP id of its organisation')
  .action(run(onEmbedded(startPeer), onEmbedded(startPeer)));
verb('rebuild-peer', 'makes the state of a peer again from its blocks; the ledger is stopped, the old state is kept')
  .requiredOption('--org <msp>', 'MSP id of its organisation, e.g. HospitalAMSP')
  .action(run(rebuild, rebuild));
verb('doctor', 'looks for what would keep a network from starting').action(
  run(async (context) => {
    const findings = await diagnose(context);
    const lines = findings.map(({ what, ok, detail }) => `${ok ? 'ok  ' : 'BAD '} ${what.padEnd(20)} ${detail}`);
    print(context, findings, lines);
    if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
  }),
);
verb('download', 'fetches the official release of Fabric, checked against its SHA-256').action(
  run(async (context) => {
    const { folder } = await downloadLedger(context.say);
    print(context, { folder }, [`Fabric's programs are in ${folder}`]);
  }),
);
verb('export', 'connection profiles for clients of Fabric, and the topology as a diagram of Mermaid')
  .option('--out <dir>', 'folder for the files; the diagram is printed where left out')
  .action(
    run(async (context, { out }: { out?: string }) => {
      const exported = exportNetwork(context, out);
      print(context, exported, out === undefined ? [exported.topology.trimEnd()] : exported.files);
    }),
  );
verb('containers', 'writes a compose file that runs a network on Fabric in the official images; never run here')
  .requiredOption('--out <dir>', 'folder for compose.yaml')
  .action(
    run(async (context, { out }: { out: string }) => {
      const { file, services } = writeComposeFile(context, out);
      print(context, { file, services }, [`${services.length} services in ${file}; docker compose -f ${file} up -d`]);
    }),
  );
verb('snapshot', 'copies all that must not be lost, as of one moment, with a digest of each file')
  .option('--out <dir>', 'a new folder; beside the data folder where left out')
  .action(run<{ out?: string }>(snapshot, snapshot));
verb('restore', 'puts a snapshot into an empty data folder, and checks it')
  .requiredOption('--from <dir>', 'what snapshot made')
  .option('--no-verify', 'leave out the look at the restored ledger')
  .action(run<{ from: string; verify: boolean }>(restore, restore));

await program.parseAsync();

function verb(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--data <dir>', 'data folder', '.medledger')
    .addOption(new Option('--ledger <kind>', 'as started last, else devledger').choices(LEDGER_KINDS))
    .addOption(
      new Option('--consensus <kind>', 'of the orderers of Fabric; as it was made, else raft').choices(CONSENSUS_KINDS),
    )
    .option('--port-base <port>', 'first TCP port; as started last, else 8080', portBase)
    .option('--topology <file>', 'describes the network, see docs/topology.md; as started last, else the consortium')
    .option('--bin <dir>', 'folder of the programs of Fabric; else FABRIC_BIN, else the PATH')
    .option('--json', 'one JSON value on standard output', false)
    .allowExcessArguments(false);
}

/** @param plainWork - for a ledger without gateways; verbs without it are for a consortium */
function run<T>(
  work: (context: NetworkContext, options: T) => Promise<void>,
  plainWork?: (context: PlainContext, options: T) => Promise<void>,
): (options: GivenOptions & T) => Promise<void> {
  return async (options) => {
    try {
      const plain = plainContext(options);
      if (plain === undefined) await work(networkContext(options), options);
      else if (plainWork !== undefined) await plainWork(plain, options);
      else throw new StartError('This verb is for a consortium; the topology of this folder has no `medledger`.');
    } catch (error) {
      process.stderr.write(`${oneLine(error)}\n`);
      process.exitCode = 1;
    }
  };
}

/** For a verb with an argument. */
function runWith(
  work: (context: NetworkContext, argument: string) => Promise<void>,
): (argument: string, options: GivenOptions) => Promise<void> {
  return (argument, options) => run((context) => work(context, argument))(options);
}

async function stop(context: NetworkContext | PlainContext): Promise<void> {
  print(context, { stopped: await down(context) }, []);
}

function logs(
  context: NetworkContext | PlainContext,
  options: { of?: string; lines: number; follow: boolean },
): Promise<void> {
  return showLogs(context, options);
}

async function snapshot(context: NetworkContext | PlainContext, { out }: { out?: string }): Promise<void> {
  print(context, await takeSnapshot(context, out), []);
}

async function restore(
  context: NetworkContext | PlainContext,
  { from, verify }: { from: string; verify: boolean },
): Promise<void> {
  const restored = await restoreSnapshot(context, from, { verify });
  print(context, restored, []);
  if (restored.report?.ok === false) process.exitCode = 1;
}

async function rebuild(context: NetworkContext | PlainContext, { org }: { org: string }): Promise<void> {
  const done = await rebuildPeer(context, org);
  print(context, { done }, [done]);
}

function onEmbedded(
  ask: (context: NetworkContext | PlainContext, mspId: string) => Promise<object>,
): (context: NetworkContext | PlainContext, options: { org: string }) => Promise<void> {
  return async (context, { org }) => {
    if ('ledger' in context && context.ledger === 'fabric') {
      throw new StartError('The nodes of Fabric are processes: status names them; end one, and up starts it again.');
    }
    print(context, await ask(context, org), []);
  };
}

function print({ json }: Pick<NetworkContext, 'json'>, value: unknown, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : lines.map((line) => `${line}\n`).join(''));
}

function portBase(text: string): number {
  const value = wholeNumber(text);
  if (value >= PORT_MIN && value <= PORT_MAX - PORTS_PER_NETWORK) return value;
  throw new InvalidArgumentError(`It takes a whole number from ${PORT_MIN} to ${PORT_MAX - PORTS_PER_NETWORK}.`);
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It takes a whole number.');
}
