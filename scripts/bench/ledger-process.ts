// The embedded ledger as `npm start` runs it, but that the channel also knows the baseline's chaincode.
//
//   node ledger-process.js <data folder> <first port>
//
// A first SIGUSR2 begins a CPU profile, the next one writes it.
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { pino } from 'pino';
import { startDevLedger } from '../../network/devledger/dev-ledger.js';
import { profileFile } from './bench-place.js';
import { BARE_CHAINCODE, barePort, benchTopology } from './bench-ports.js';

setLogVerbosity(logVerbosity.NONE);
const [dataDir = '', portBase = ''] = process.argv.slice(2);
const topology = benchTopology(Number(portBase));
const ledger = await startDevLedger({
  topology,
  dataDir,
  log: pino({ level: 'info', base: { service: 'devledger' } }),
  furtherChaincodes: [
    { name: BARE_CHAINCODE, version: '1.0', addressOf: (mspId) => `127.0.0.1:${barePort(topology, mspId)}` },
  ],
});
const session = new Session();
process.once('SIGUSR2', () => {
  process.once('SIGUSR2', () => void writeProfile());
  void beginProfile();
});
process.once('SIGTERM', () => void ledger.stop().then(() => process.exit(0)));
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);

async function beginProfile(): Promise<void> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
}

async function writeProfile(): Promise<void> {
  const { profile } = await session.post('Profiler.stop');
  const file = profileFile(dataDir);
  writeFileSync(`${file}.part`, JSON.stringify(profile));
  renameSync(`${file}.part`, file);
}
