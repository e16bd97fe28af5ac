import type { TransactionAnswer } from '@medledger/chaincode/domain';
import { requireThat } from '../bench-failure.js';
import type { BenchPatient } from '../bench-members.js';
import type { BenchNetwork } from '../bench-network.js';
import { type Figure, figureOf, interleave } from '../figure.js';
import { cpuMsOf } from '../process-cpu.js';
import { manyRecords, oneRecord } from '../sample-records.js';

const TARGET = 1 / 12;
const BATCH_RECORDS = 100;
const SINGLES_PER_PATIENT = 8;
const BATCHES_PER_PATIENT = 1;

/** What was put on the ledger for one patient. */
export interface Added {
  readonly transactions: number;
  readonly records: number;
}

/** CPU of ledger and chaincode per record: in batches of 100, over one by one. Every patient adds at the same time. */
export async function measureBatchCpu(
  network: BenchNetwork,
  options: { readonly patients: readonly BenchPatient[]; readonly rounds: number },
): Promise<{ readonly figure: Figure; readonly addedPerPatient: Added }> {
  const { patients, rounds: count } = options;
  const pids = [...Object.values(network.pids.ledger), ...network.pids.chaincode];
  const perRecord = async (records: number, load: () => Promise<void>) => {
    const beforeMs = cpuMsOf(pids);
    await load();
    return ((cpuMsOf(pids) - beforeMs) * 1000) / records;
  };
  const singles = () => eachPatient(patients, SINGLES_PER_PATIENT, (patient) => addOne(network, patient));
  const batches = () => eachPatient(patients, BATCHES_PER_PATIENT, (patient) => addBatch(network, patient));
  await singles();
  await batches();
  const rounds = await interleave(count, {
    measured: () => perRecord(patients.length * BATCHES_PER_PATIENT * BATCH_RECORDS, batches),
    baseline: () => perRecord(patients.length * SINGLES_PER_PATIENT, singles),
  });
  const loads = count + 1;
  const figure = figureOf({
    title: 'CPU of ledger and chaincode per record, batch of 100 / single',
    unit: 'µs of CPU per record',
    target: { comparison: 'at most', value: TARGET },
    names: { measured: 'in batches of 100', baseline: 'one by one' },
    rounds,
    notes: [
      `${patients.length} patients at once, ${SINGLES_PER_PATIENT} single records and ${BATCHES_PER_PATIENT} batches of each a round`,
    ],
  });
  const addedPerPatient = {
    transactions: loads * (SINGLES_PER_PATIENT + BATCHES_PER_PATIENT),
    records: loads * (SINGLES_PER_PATIENT + BATCHES_PER_PATIENT * BATCH_RECORDS),
  };
  return { figure, addedPerPatient };
}

async function eachPatient(
  patients: readonly BenchPatient[],
  times: number,
  work: (patient: BenchPatient) => Promise<void>,
): Promise<void> {
  await Promise.all(
    patients.map(async (patient) => {
      for (let index = 0; index < times; index += 1) await work(patient);
    }),
  );
}

async function addOne({ chain }: BenchNetwork, patient: BenchPatient): Promise<void> {
  const { identity, patientId } = patient;
  const business = await oneRecord(patient);
  const { answer } = await chain.transact({ identity, name: 'records:add', patientId, business });
  requirePermit(answer);
}

async function addBatch({ chain }: BenchNetwork, patient: BenchPatient): Promise<void> {
  const { identity, patientId } = patient;
  const business = await manyRecords(patient, BATCH_RECORDS);
  const { answer } = await chain.transact({ identity, name: 'records:addBatch', patientId, business });
  requirePermit(answer);
}

function requirePermit({ outcome }: TransactionAnswer): void {
  requireThat(outcome.outcome === 'permit', 'records were not permitted to be added');
}
