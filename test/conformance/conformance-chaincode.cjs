'use strict';
// The chaincode of the conformance suites, on the real shim: one function, `run`, that makes a list of calls of the
// stub, one after the other, and answers with a list of what each gave. Every peer has a process of its own, which
// knows its organisation, so that one organisation's chaincode can be told to differ from the others'.
//
// Arguments: address to listen on, package id to register under, MSP id of the peer.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { KeyEndorsementPolicy, Shim } = require('fabric-shim');

const [, , address, packageId, mspId] = process.argv;

const text = (bytes) => Buffer.from(bytes).toString('utf8');
/** Calls of this process that sleep now. */
let sleeping = 0;
const isHere = (organisation) => organisation === mspId;

async function rowsOf(iterator, rowsMax = Number.POSITIVE_INFINITY) {
  const rows = [];
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    rows.push([next.value.key, text(next.value.value)]);
    if (rows.length >= rowsMax) break;
  }
  await iterator.close();
  return rows;
}

const hex = (bytes) => (bytes === undefined ? '' : Buffer.from(bytes).toString('hex'));

/** A key's policy: one peer of each organisation. */
function policyOf(organisations) {
  const policy = new KeyEndorsementPolicy();
  policy.addOrgs('PEER', ...organisations);
  return policy.getPolicy();
}

function organisationsOf(bytes) {
  return bytes === undefined || bytes.length === 0 ? [] : new KeyEndorsementPolicy(Buffer.from(bytes)).listOrgs().sort();
}

class Answer extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const CALLS = {
  get: async (stub, key) => text(await stub.getState(key)),
  getSize: async (stub, key) => (await stub.getState(key)).length,
  put: (stub, key, value) => stub.putState(key, Buffer.from(value)),
  putSized: (stub, key, sizeBytes) => stub.putState(key, Buffer.alloc(sizeBytes, 'x')),
  async putMany(stub, prefix, count) {
    for (let index = 0; index < count; index += 1) {
      await stub.putState(prefix + String(index).padStart(4, '0'), Buffer.from(String(index)));
    }
  },
  delete: (stub, key) => stub.deleteState(key),
  range: async (stub, start, end, rowsMax) => rowsOf(await stub.getStateByRange(start, end), rowsMax),
  async page(stub, start, end, size, bookmark) {
    const { iterator, metadata } = await stub.getStateByRangeWithPagination(start, end, size, bookmark);
    // The shim leaves the metadata of a page without rows out.
    const { fetchedRecordsCount: fetched = 0, bookmark: next = '' } = metadata ?? {};
    return { rows: await rowsOf(iterator), fetched, bookmark: next };
  },
  /** Page after page by the bookmark of the one before. */
  async pages(stub, start, end, size) {
    const pages = [];
    for (let bookmark = ''; pages.length < 20; ) {
      const page = await CALLS.page(stub, start, end, size, bookmark);
      pages.push([page.rows.length, page.fetched, page.bookmark, page.rows[0]?.[0]]);
      bookmark = page.bookmark;
      if (bookmark === '') break;
    }
    return pages;
  },
  putComposite: (stub, type, attributes, value) =>
    stub.putState(stub.createCompositeKey(type, attributes), Buffer.from(value)),
  async rangeComposite(stub, type, attributes) {
    const rows = await rowsOf(await stub.getStateByPartialCompositeKey(type, attributes));
    return rows.map(([key, value]) => [...stub.splitCompositeKey(key).attributes, value]);
  },
  async history(stub, key) {
    const iterator = await stub.getHistoryForKey(key);
    const changes = [];
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      const { txId, isDelete, value, timestamp } = next.value;
      const timeMs = Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1e6);
      changes.push({ txId, isDelete: Boolean(isDelete), value: text(value), timeMs });
    }
    await iterator.close();
    return changes;
  },
  event: (stub, name, payload) => stub.setEvent(name, Buffer.from(payload)),
  transient: (stub, key) => text(stub.getTransient().get(key) ?? ''),
  call: (stub) => ({
    txId: stub.getTxID(),
    channel: stub.getChannelID(),
    mspId: stub.getCreator().mspid,
    timeMs: Number(stub.getTxTimestamp().seconds) * 1000 + Math.floor(stub.getTxTimestamp().nanos / 1e6),
  }),
  here: () => mspId,
  process: () => process.pid,
  differ: (_stub, organisation) => (isHere(organisation) ? 'odd' : 'even'),
  refuse(_stub, organisation, message) {
    if (isHere(organisation)) throw new Answer(500, message);
  },
  answer(_stub, status, message) {
    throw new Answer(status, message);
  },
  sleep: async (_stub, timeMs) => {
    sleeping += 1;
    await new Promise((resolve) => setTimeout(resolve, timeMs));
    sleeping -= 1;
  },
  sleeping: () => sleeping,
  sleepAt: (stub, organisation, timeMs) => (isHere(organisation) ? CALLS.sleep(stub, timeMs) : undefined),
  invoke: async (stub, chaincode, args, channel = '') => {
    const { status, message, payload } = await stub.invokeChaincode(chaincode, args, channel);
    return { status, message, payload: text(payload ?? '') };
  },
  setPolicy: (stub, key, organisations) => stub.setStateValidationParameter(key, policyOf(organisations)),
  policy: async (stub, key) => organisationsOf(await stub.getStateValidationParameter(key)),
  query: async (stub, selector) => rowsOf((await stub.getQueryResult(selector)).iterator),
  private: async (stub, collection, key) => text(await stub.getPrivateData(collection, key)),
  privateHash: async (stub, collection, key) => hex(await stub.getPrivateDataHash(collection, key)),
  putPrivate: (stub, collection, key, value) => stub.putPrivateData(collection, key, Buffer.from(value)),
  /** The value comes in the transient map, as one should that nobody else is to see. */
  putSecret: (stub, collection, key) => stub.putPrivateData(collection, key, stub.getTransient().get(key)),
  deletePrivate: (stub, collection, key) => stub.deletePrivateData(collection, key),
  purgePrivate: (stub, collection, key) => stub.purgePrivateData(collection, key),
  rangePrivate: async (stub, collection, start, end) =>
    rowsOf((await stub.getPrivateDataByRange(collection, start, end)).iterator),
  setPrivatePolicy: (stub, collection, key, organisations) =>
    stub.setPrivateDataValidationParameter(collection, key, policyOf(organisations)),
  privatePolicy: async (stub, collection, key) =>
    organisationsOf(await stub.getPrivateDataValidationParameter(collection, key)),
  queryPrivate: async (stub, collection, selector) =>
    rowsOf((await stub.getPrivateDataQueryResult(collection, selector)).iterator),
  pageComposite: async (stub, type, attributes, size, bookmark) => {
    const page = await stub.getStateByPartialCompositeKeyWithPagination(type, attributes, size, bookmark);
    const { fetchedRecordsCount: fetched = 0, bookmark: next = '' } = page.metadata ?? {};
    const rows = await rowsOf(page.iterator);
    return { rows: rows.map(([key, value]) => [...stub.splitCompositeKey(key).attributes, value]), fetched, bookmark: next };
  },
  /** Goes on where a call fails, and tells what it failed with. */
  async attempt(stub, call) {
    try {
      return { value: await one(stub, call) };
    } catch (error) {
      return { failed: error.message };
    }
  },
};

async function one(stub, [name, ...args]) {
  const call = CALLS[name];
  if (call === undefined) throw new Answer(500, `UNKNOWN_CALL: ${name}`);
  const result = await call(stub, ...args);
  // What the stub answers to a write, and to a key without metadata, is an empty message.
  return result === undefined || Buffer.isBuffer(result) ? null : result;
}

const chaincode = {
  async Init() {
    return Shim.success();
  },
  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (fcn !== 'run') return Shim.error(`UNKNOWN_FUNCTION: ${fcn}`);
    try {
      const results = [];
      for (const call of JSON.parse(params[0])) results.push(await one(stub, call));
      return Shim.success(Buffer.from(JSON.stringify(results)));
    } catch (error) {
      return { ...Shim.error(error.message), status: error.status ?? 500 };
    }
  },
};

/** Of a service that shows a certificate and wants one: key, certificate and authority lie in the folder. */
function tlsProps(folder) {
  if (folder === undefined) return {};
  const read = (name) => readFileSync(join(folder, name));
  return { tlsProps: { key: read('server.key'), cert: read('server.crt'), clientCACerts: read('ca.crt') } };
}

async function main() {
  const server = Shim.server(chaincode, { ccid: packageId, address, ...tlsProps(process.env.CHAINCODE_TLS) });
  await server.start();
  process.stdout.write('listening\n');
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
