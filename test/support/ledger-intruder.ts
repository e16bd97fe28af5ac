import { join } from 'node:path';
import type { Client } from '@grpc/grpc-js';
import {
  canonicalJson,
  keyHashOf,
  type LaneTip,
  type MemberId,
  type PatientId,
  parseLaneHead,
  type RecordMetadata,
  tipOf,
  toBase64url,
  type TransactionAnswer,
} from '@medledger/chaincode/domain';
import type { Transaction } from '@hyperledger/fabric-gateway';
import { type Release, releaseInfo, shareContext } from '../../gateway/custody/custodian.js';
import { generateHpkeKeyPair, type HpkeKeyPair, openManyWith } from '../../gateway/custody/hpke.js';
import type { UnlockedIdentity } from '../../gateway/identity/member-keys.js';
import { organisationTlsFile, readTls, tlsCaBundle } from '../../gateway/identity/network-identities.js';
import { openWalletStore } from '../../gateway/identity/wallet-store.js';
import type { InternalApi } from '../../gateway/internal/internal-api.js';
import { connectInternal } from '../../gateway/internal/internal-client.js';
import { gatewayCache, type IdentityGateway } from '../../gateway/ledger/gateway-cache.js';
import { openPeerClient } from '../../gateway/ledger/ledger-connection.js';
import type { Organisation } from '../../network/topology.js';
import type { Credential } from '../../scripts/seed/credentials.js';
import { type ChainActor, prepareCall } from './chain-actor.js';
import type { RunningNetwork } from './running-network.js';

/** An endorsed opening: what an attacker holds before, or instead of, a commit. */
export interface EndorsedOpening {
  readonly transactionId: string;
  readonly answer: TransactionAnswer;
  readonly oneTime: HpkeKeyPair;
  /** Commits it after all. @returns Fabric's validation code */
  submit(): Promise<number>;
}

/** What one custodian answered: shares by record, or why not. */
export interface CustodianAnswer {
  readonly custodian: string;
  readonly shares: ReadonlyMap<string, Uint8Array>;
  /** Codes of refusals, of the whole call or of single records. */
  readonly codes: readonly string[];
}

const CALL_MS = 30_000;

/**
 * A member who goes round the gateway with all that a member and her organisation have: the keys of the wallet, the
 * gateway's certificate, Fabric's own client, the custodians' interface.
 */
export class LedgerIntruder {
  readonly identity: UnlockedIdentity;
  readonly #network: RunningNetwork;
  readonly #client: Client;
  readonly #gateway: IdentityGateway;

  static async of(network: RunningNetwork, credential: Pick<Credential, 'memberId' | 'organisation' | 'password'>) {
    const { memberId, organisation, password } = credential;
    const wallets = openWalletStore({ path: join(network.dataDir, 'gateways', organisation, 'wallets.sqlite') });
    try {
      return new LedgerIntruder(network, await wallets.unlock(memberId, password));
    } finally {
      wallets.close();
    }
  }

  private constructor(network: RunningNetwork, identity: UnlockedIdentity) {
    const { topology, dataDir } = network;
    const { peer, domain } = organisationOf(network, identity.mspId);
    if (peer === undefined) throw new Error('only members with a peer of their own');
    this.identity = identity;
    this.#network = network;
    this.#client = openPeerClient({
      address: `127.0.0.1:${peer.port}`,
      hostName: peer.host,
      tlsRootFile: organisationTlsFile(dataDir, domain),
    });
    const { channel, chaincode } = topology;
    this.#gateway = gatewayCache({ client: this.#client, channel, chaincode: chaincode.name })(identity);
  }

  async tip(patientId: string): Promise<LaneTip> {
    const argument = canonicalJson({ patientId });
    const answer = await this.#gateway.contract.evaluateTransaction('audit:head', argument);
    const { head } = JSON.parse(Buffer.from(answer).toString('utf8')) as { head: object };
    return tipOf(parseLaneHead(canonicalJson(head)));
  }

  /** Endorsed by the peers, known to no orderer. */
  async endorseOpening(patientId: string, recordIds: readonly string[]): Promise<EndorsedOpening> {
    const oneTime = generateHpkeKeyPair();
    const { businessJson, proofJson } = prepareCall(this.#actor(), {
      transaction: 'access:open',
      business: { patientId, recordIds, purpose: this.#purpose(patientId), oneTimeKey: toBase64url(oneTime.publicKey) },
      patientId: patientId as PatientId,
      tip: await this.tip(patientId),
    });
    const proposal = this.#gateway.contract.newProposal('access:open', { arguments: [businessJson, proofJson] });
    const transaction = await proposal.endorse({ deadline: Date.now() + CALL_MS });
    const answer = JSON.parse(Buffer.from(transaction.getResult()).toString('utf8')) as TransactionAnswer;
    return { transactionId: proposal.getTransactionId(), answer, oneTime, submit: () => codeOf(transaction) };
  }

  /** Asks every custodian over mTLS, as the gateway of an organisation, and opens what comes with the key given. */
  async askCustodians(transactionId: string, oneTimePrivateKey: Uint8Array): Promise<readonly CustodianAnswer[]> {
    const custodians = this.#network.topology.organisations.filter(({ custodian }) => custodian);
    return Promise.all(custodians.map(({ mspId }) => this.ask(mspId, transactionId, oneTimePrivateKey)));
  }

  ask(mspId: string, transactionId: string, oneTimePrivateKey: Uint8Array): Promise<CustodianAnswer> {
    return this.#withGatewayOf(mspId, async (api) => {
      try {
        const release = await api.releaseShares(transactionId);
        const shares = await this.#opened(mspId, transactionId, { release, oneTimePrivateKey });
        return {
          custodian: mspId,
          shares,
          codes: release.items.flatMap((item) => ('code' in item ? [item.code] : [])),
        };
      } catch (error) {
        return { custodian: mspId, shares: new Map(), codes: [(error as { code?: string }).code ?? String(error)] };
      }
    });
  }

  /** Ciphertext is nobody's secret: any gateway gives it to any other. */
  async ciphertext(cid: string): Promise<Uint8Array> {
    const found = await this.#withGatewayOf('HospitalAMSP', (api) => api.readObject(cid));
    if (found === undefined) throw new Error(`no ${cid}`);
    return found;
  }

  close(): void {
    this.#client.close();
  }

  async #opened(
    custodian: string,
    transactionId: string,
    { release, oneTimePrivateKey }: { release: Release; oneTimePrivateKey: Uint8Array },
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const given = release.items.flatMap((item) => ('sealed' in item ? [item] : []));
    const shares = await openManyWith({
      privateKey: oneTimePrivateKey,
      info: releaseInfo({ channel: this.#network.topology.channel, transactionId, custodian }),
      enc: release.enc,
      items: given.map(({ recordId, version, sealed }) => ({ aad: shareContext(recordId, version), sealed })),
    });
    return new Map(given.map(({ recordId }, at) => [recordId, shares[at] ?? new Uint8Array()]));
  }

  async #withGatewayOf<T>(mspId: string, use: (api: InternalApi) => Promise<T>): Promise<T> {
    const { dataDir, topology } = this.#network;
    const own = organisationOf(this.#network, this.identity.mspId);
    const { gateway, domain } = organisationOf(this.#network, mspId);
    const tls = { ...readTls(dataDir, own.domain, { kind: 'gateway' }), caPem: tlsCaBundle(dataDir, topology) };
    const serverName = `gateway.${domain}`;
    const api = connectInternal({ host: '127.0.0.1', port: gateway.internalPort, serverName, tls, timeoutMs: CALL_MS });
    try {
      return await use(api);
    } finally {
      api.close();
    }
  }

  #actor(): ChainActor {
    const { memberId, signingPublicKeySpki } = this.identity;
    // Solving needs no more of an actor than this.
    return { memberId: memberId as MemberId, keyHash: keyHashOf(signingPublicKeySpki) } as ChainActor;
  }

  #purpose(patientId: string): string {
    return this.identity.memberId === patientId ? 'PATRQT' : 'TREAT';
  }
}

/** The metadata of one record that an opening was permitted. */
export function permittedRecord({ answer }: EndorsedOpening, recordId: string): RecordMetadata {
  const record = answer.records?.find((candidate) => candidate.recordId === recordId);
  if (record === undefined) throw new Error(`no permit for ${recordId}: ${canonicalJson(answer.outcome)}`);
  return record;
}

async function codeOf(transaction: Transaction): Promise<number> {
  const commit = await transaction.submit({ deadline: Date.now() + CALL_MS });
  const { code } = await commit.getStatus({ deadline: Date.now() + CALL_MS });
  return code;
}

function organisationOf({ topology }: RunningNetwork, mspId: string): Organisation {
  const found = topology.organisations.find((organisation) => organisation.mspId === mspId);
  if (found === undefined) throw new Error(`there is no ${mspId}`);
  return found;
}
