import { Counter, Histogram, Registry } from '@prometheus-io/client';
import { addLedgerMetrics, addProcessMetrics } from './peer-metrics.js';

/** One envelope that the orderer has answered. */
export interface AnsweredBroadcast {
  /** Name of the common.Status. */
  readonly status: string;
  /** `unknown` where the envelope does not say. */
  readonly channel: string;
  /** Name of the common.HeaderType. */
  readonly type: string;
  readonly validateMs: number;
  /** Undefined where nothing was enqueued. */
  readonly enqueueMs?: number | undefined;
}

type BroadcastLabel = 'status' | 'channel' | 'type';
type DeliverLabel = 'channel' | 'filtered' | 'data_type';

/** Fabric's labels of a delivery of whole blocks. */
const WHOLE_BLOCKS = { filtered: 'false', data_type: 'block' } as const;
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Of Fabric's metrics of an orderer those that mean the same here, under the same names. */
export class OrdererMetrics {
  readonly #registry = new Registry();
  readonly #channel: string;
  readonly #processed: Counter<BroadcastLabel>;
  readonly #validate: Histogram<BroadcastLabel>;
  readonly #enqueue: Histogram<BroadcastLabel>;
  readonly #fill: Histogram<'channel'>;
  readonly #requests: Counter<DeliverLabel>;
  readonly #sent: Counter<DeliverLabel>;

  /** @see Fabric docs/source/metrics_reference.rst */
  constructor(channel: string) {
    this.#channel = channel;
    const registers = [this.#registry];
    const broadcast = { labelNames: ['status', 'channel', 'type'] as const, registers };
    const deliver = { labelNames: ['channel', 'filtered', 'data_type'] as const, registers };
    this.#processed = new Counter({
      name: 'broadcast_processed_count',
      help: 'The number of transactions processed.',
      ...broadcast,
    });
    this.#validate = new Histogram({
      name: 'broadcast_validate_duration',
      help: 'The time to validate a transaction in seconds.',
      buckets: BUCKETS,
      ...broadcast,
    });
    this.#enqueue = new Histogram({
      name: 'broadcast_enqueue_duration',
      help: 'The time to enqueue a transaction in seconds.',
      buckets: BUCKETS,
      ...broadcast,
    });
    this.#fill = new Histogram({
      name: 'blockcutter_block_fill_duration',
      help: 'The time from first transaction enqueing to the block being cut in seconds.',
      labelNames: ['channel'],
      buckets: BUCKETS,
      registers,
    });
    this.#requests = new Counter({
      name: 'deliver_requests_received',
      help: 'The number of deliver requests that have been received.',
      ...deliver,
    });
    this.#sent = new Counter({
      name: 'deliver_blocks_sent',
      help: 'The number of blocks sent by the deliver service.',
      ...deliver,
    });
    addProcessMetrics(this.#registry);
  }

  /** The orderer reports its cuts while it opens, before it has a height to tell. */
  follow(blocks: { height(): number }): void {
    addLedgerMetrics(this.#registry, this.#channel, blocks);
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  onBroadcast({ validateMs, enqueueMs, ...labels }: AnsweredBroadcast): void {
    this.#processed.inc(labels);
    this.#validate.observe(labels, validateMs / 1000);
    if (enqueueMs !== undefined) this.#enqueue.observe(labels, enqueueMs / 1000);
  }

  onCut(fillMs: number): void {
    this.#fill.observe({ channel: this.#channel }, fillMs / 1000);
  }

  onSeek(): void {
    this.#requests.inc({ channel: this.#channel, ...WHOLE_BLOCKS });
  }

  onBlockSent(): void {
    this.#sent.inc({ channel: this.#channel, ...WHOLE_BLOCKS });
  }
}
