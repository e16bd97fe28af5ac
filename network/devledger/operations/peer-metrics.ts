import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { status } from '@grpc/grpc-js';
import { common, peer } from '@hyperledger/fabric-protos';
import { parseBlock } from '../commit/block-codec.js';
import { parseEndorsedTransaction } from '../commit/endorsed-transaction.js';
import { decoded, parseEnvelope } from '../commit/envelope.js';
import type { CommittedBlock, PeerLedger } from '../peer-ledger.js';
import { LEDGER_VERSION } from './version.js';
import { parseMessage } from '../wire/parse-message.js';

/** One call that a peer has answered. */
export interface AnsweredCall {
  /** `/gateway.Gateway/Submit` */
  readonly path: string;
  /** gRPC status. */
  readonly code: number;
  readonly durationMs: number;
}

type CallLabel = 'service' | 'method' | 'code';

/** Of Fabric's metrics those that mean the same here, under the same names. */
export class PeerMetrics {
  readonly #registry = new Registry();
  readonly #channel: string;
  readonly #transactions: Counter<'channel' | 'transaction_type' | 'chaincode' | 'validation_code'>;
  readonly #blocks: Histogram<'channel'>;
  readonly #calls: Counter<CallLabel>;
  readonly #durations: Histogram<CallLabel>;

  /** @see Fabric docs/source/metrics_reference.rst */
  constructor(channel: string, ledger: PeerLedger) {
    this.#channel = channel;
    const registers = [this.#registry];
    addLedgerMetrics(this.#registry, channel, ledger);
    const erasing: Gauge<'channel'> = new Gauge({
      name: 'ledger_private_data_erasure_pending',
      help: 'Whether bytes of purged or ended private data are still in files: 1, else 0.',
      labelNames: ['channel'],
      registers,
      collect: () => erasing.set({ channel }, ledger.privateData?.isErasing() === true ? 1 : 0),
    });
    this.#transactions = new Counter({
      name: 'ledger_transaction_count',
      help: 'Number of transactions processed.',
      labelNames: ['channel', 'transaction_type', 'chaincode', 'validation_code'],
      registers,
    });
    this.#blocks = new Histogram({
      name: 'ledger_block_transactions',
      help: 'Transactions in a block.',
      labelNames: ['channel'],
      buckets: [1, 2, 5, 10, 50, 100, 500],
      registers,
    });
    this.#calls = new Counter({
      name: 'grpc_server_unary_requests_completed',
      help: 'The number of unary requests completed.',
      labelNames: ['service', 'method', 'code'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'grpc_server_unary_request_duration',
      help: 'The time to complete a unary request.',
      labelNames: ['service', 'method', 'code'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    addProcessMetrics(this.#registry);
    ledger.onCommit((block) => this.#onCommit(block));
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  onCall({ path, code, durationMs }: AnsweredCall): void {
    const [, service = '', method = ''] = path.split('/');
    const labels = { service: service.replaceAll('.', '_'), method, code: status[code] ?? String(code) };
    this.#calls.inc(labels);
    this.#durations.observe(labels, durationMs / 1000);
  }

  #onCommit({ bytes, transactions }: CommittedBlock): void {
    const { envelopes } = parseBlock(bytes);
    this.#blocks.observe({ channel: this.#channel }, envelopes.length);
    for (const [index, { validationCode }] of transactions.entries()) {
      this.#transactions.inc({
        channel: this.#channel,
        ...kindOf(envelopes[index] ?? new Uint8Array()),
        validation_code: VALIDATION_NAMES.get(validationCode) ?? String(validationCode),
      });
    }
  }
}

const VALIDATION_NAMES = new Map(Object.entries(peer.TxValidationCode).map(([name, code]) => [Number(code), name]));
const TYPE_NAMES = new Map(Object.entries(common.HeaderType).map(([name, type]) => [Number(type), name]));

function kindOf(bytes: Uint8Array): { transaction_type: string; chaincode: string } {
  const envelope = parseEnvelope(bytes);
  if ('rejected' in envelope) return { transaction_type: 'unknown', chaincode: 'unknown' };
  const transaction = parseEndorsedTransaction(envelope);
  const action =
    'rejected' in transaction ? undefined : decoded(() => parseMessage(peer.ChaincodeAction, transaction.action));
  const id = action?.getChaincodeId();
  return {
    transaction_type: TYPE_NAMES.get(envelope.type) ?? 'unknown',
    chaincode: id === undefined ? 'unknown' : `${id.getName()}:${id.getVersion()}`,
  };
}

/** What a node is, and how many blocks it has. */
export function addLedgerMetrics(registry: Registry, channel: string, ledger: { height(): number }): void {
  const registers = [registry];
  const version = new Gauge({ name: 'fabric_version', help: 'What this is.', labelNames: ['version'], registers });
  version.set({ version: LEDGER_VERSION }, 1);
  const height: Gauge<'channel'> = new Gauge({
    name: 'ledger_blockchain_height',
    help: 'Height of the chain in blocks.',
    labelNames: ['channel'],
    registers,
    collect: () => height.set({ channel }, ledger.height()),
  });
}

/** Of the one process that holds every node: each reports the same. */
export function addProcessMetrics(registry: Registry): void {
  const registers = [registry];
  const memory: Gauge = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes, of all nodes together.',
    registers,
    collect: () => memory.set(process.memoryUsage.rss()),
  });
  const cpu: Gauge = new Gauge({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time spent in seconds, by all nodes together.',
    registers,
    collect: () => {
      const { user, system } = process.cpuUsage();
      cpu.set((user + system) / 1e6);
    },
  });
  new Gauge({ name: 'process_start_time_seconds', help: 'Start of the process, Unix time.', registers }).set(
    Math.floor(Date.now() / 1000 - process.uptime()),
  );
}
