'use strict';
// Baseline, frozen: what the least possible chaincode does on the shim itself, without contract-api and without rules.
// A slower baseline would be a better figure, so this file does not change; test/network/bench holds its digest.
//
//   node bare-chaincode.cjs <host:port> [plans.json] [unformatted]
//
// With `unformatted`, lines that winston would not write are not formatted either, which the stock shim does.
//
// `put key value` puts one key. `plan:<n>` makes the state calls of the n-th plan, one after the other, as a contract
// does: { gets: [key…], puts: [{ key, sizeBytes }…], answerBytes }.
const { readFileSync } = require('node:fs');
const { Shim } = require('fabric-shim');

const [address, plansFile, logging] = process.argv.slice(2);
const plans = plansFile === undefined ? [] : JSON.parse(readFileSync(plansFile, 'utf8')).map(prepared);

if (logging === 'unformatted') {
  const { Logger } = require('winston');
  const { write } = Logger.prototype;
  Logger.prototype.write = function (line) {
    return this.isLevelEnabled(line.level) ? write.call(this, line) : true;
  };
}

function prepared({ gets, puts, answerBytes }) {
  return {
    gets,
    puts: puts.map(({ key, sizeBytes }) => ({ key, value: Buffer.alloc(sizeBytes, 'x') })),
    answer: Buffer.alloc(answerBytes, 'x'),
  };
}

async function runPlan(stub, { gets, puts, answer }) {
  for (const key of gets) await stub.getState(key);
  for (const { key, value } of puts) await stub.putState(key, value);
  return answer;
}

const chaincode = {
  async Init() {
    return Shim.success();
  },
  async Invoke(stub) {
    const [name, key, value] = stub.getArgs();
    if (name === 'put') {
      await stub.putState(key, Buffer.from(value));
      return Shim.success();
    }
    if (name === 'get') return Shim.success(Buffer.from(await stub.getState(key)));
    const plan = name.startsWith('plan:') ? plans[Number(name.slice(5))] : undefined;
    if (plan === undefined) return Shim.error(`unknown function ${name}`);
    return Shim.success(await runPlan(stub, plan));
  },
};

Shim.server(chaincode, { ccid: 'bare:1.0', address }).start();
