// The embedded ledger as `npm start` runs it, but that the channel also knows the baseline's chaincode.
//
//   node ledger-process.js <data folder> <first port>
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { pino } from 'pino';
import { startDevLedger } from '../../network/devledger/dev-ledger.js';
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
process.once('SIGTERM', () => void ledger.stop().then(() => process.exit(0)));
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
