import { createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, Client } from '@grpc/grpc-js';
import { connect, type Contract, type Gateway, hash, signers } from '@hyperledger/fabric-gateway';
import type { LedgerTopology } from '../../../network/topology.js';
import { parseTopology } from '../../../network/topology-file.js';
import { freePorts } from '../../support/free-ports.js';

/** What somebody writes who has only read the manuals of Fabric: a contract, and a client for it. */

const CONTRACT = `
'use strict';
const { Contract } = require('fabric-contract-api');
class Notes extends Contract {
  async put(ctx, key, value) {
    await ctx.stub.putState(key, Buffer.from(value));
    ctx.stub.setEvent('put', Buffer.from(key));
    return key;
  }
  async get(ctx, key) { return (await ctx.stub.getState(key)).toString(); }
  async putPrivate(ctx, key) {
    await ctx.stub.putPrivateData('shared', key, ctx.stub.getTransient().get('value'));
  }
  async getPrivate(ctx, key) { return Buffer.from(await ctx.stub.getPrivateData('shared', key)).toString(); }
  async purge(ctx, key) { await ctx.stub.purgePrivateData('shared', key); }
  async die() { process.exit(7); }
}
module.exports.contracts = [Notes];
`;

/** A package whose author installed it already. */
export function writeChaincode(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const manifest = {
    name: 'notes',
    version: '1.0.0',
    main: 'index.js',
    scripts: { start: 'fabric-chaincode-node start' },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'index.js'), CONTRACT);
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
}

/** A collection of both organisations, as a file for `--collections`. */
export function writeCollections(path: string, change: { readonly policy?: string } = {}): void {
  const policy = "OR('Org1MSP.member','Org2MSP.member')";
  const collection = { name: 'shared', policy, requiredPeerCount: 1, maxPeerCount: 1, blockToLive: 0, ...change };
  writeFileSync(path, JSON.stringify([collection]));
}

/** Org1 and Org2 of Fabric's test network, on ports that were free a moment ago. */
export async function twoOrganisations(): Promise<LedgerTopology> {
  const ports = await freePorts(8);
  const path = 'network/examples/test-network.json';
  const topology = parseTopology(readFileSync(path, 'utf8'), path);
  const organisations = topology.organisations.map((organisation, index) => {
    const [port = 0, chaincodePort = 0, operationsPort = 0] = ports.slice(index * 3);
    const { host = '' } = organisation.peer ?? {};
    return { ...organisation, peer: { host, port, chaincodePort, operationsPort } };
  });
  const [port = 0, operationsPort = 0] = ports.slice(6);
  const orderers = topology.orderers.map(({ host }) => ({ host, port, operationsPort, adminPort: 0 }));
  return { ...topology, orderers, batch: { ...topology.batch, timeoutMs: 10 }, organisations };
}

export interface StrangerClient {
  readonly gateway: Gateway;
  readonly privateKey: KeyObject;
  contract(name: string): Contract;
  close(): void;
}

/** As User1 of Org1, with the files where the test network of Fabric has them. */
export function strangerClient(dataDir: string, endpoint: { address: string; host: string }): StrangerClient {
  const organisation = join(dataDir, 'organizations/peerOrganizations/org1.example.com');
  const user = join(organisation, 'users/User1@org1.example.com/msp');
  const tlsRoot = readFileSync(join(organisation, 'peers', endpoint.host, 'tls/ca.crt'));
  const client = new Client(endpoint.address, credentials.createSsl(tlsRoot), {
    'grpc.ssl_target_name_override': endpoint.host,
  });
  const privateKey = createPrivateKey(readFileSync(join(user, 'keystore/priv_sk')));
  const gateway = connect({
    client,
    identity: { mspId: 'Org1MSP', credentials: readFileSync(join(user, 'signcerts/cert.pem')) },
    signer: signers.newPrivateKeySigner(privateKey),
    hash: hash.sha256,
  });
  return {
    gateway,
    privateKey,
    contract: (name) => gateway.getNetwork('mychannel').getContract(name),
    close: () => {
      gateway.close();
      client.close();
    },
  };
}
