import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS, isErrorCode } from '@medledger/chaincode/domain';
import type { FastifyBaseLogger } from 'fastify';
import type { GatewayConfig } from '../config.js';
import { createEnrolment, certificateIssuer } from '../identity/enrolment.js';
import { pinnedOrganisations } from '../identity/pinned-consortium.js';
import type { Sessions } from '../identity/sessions.js';
import type { WalletStore } from '../identity/wallet-store.js';
import type { LedgerChain } from '../ledger/chain.js';
import { createAccessRequests } from '../services/access-requests.js';
import { createAccounts } from '../services/accounts.js';
import { createAddBundle } from '../services/add-bundle.js';
import { createAddRecord } from '../services/add-record.js';
import { type AddRecordsPorts, addRecords, type RecordsToAdd } from '../services/add-records.js';
import type { BackgroundWork } from '../services/background-work.js';
import { type ChainViews, createChainViewServices } from '../services/chain-views.js';
import type { CustodianDoor } from '../services/custodians.js';
import { createCareGroups } from '../services/care-groups.js';
import { createDelegations } from '../services/delegations.js';
import { createEmergencies } from '../services/emergencies.js';
import { createExplanations } from '../services/explanations.js';
import { createGrants } from '../services/grants.js';
import type { JobStore } from '../services/job-store.js';
import { createListRecords, createRecordVersions, newestOf } from '../services/list-records.js';
import type { ConsentServices, ExplanationServices } from '../services/consent-services.js';
import type { Services } from '../services/medledger.js';
import type { NotePorts } from '../services/patient-notes.js';
import type { KeysOf } from '../services/people.js';
import type { MissedDeposits } from '../services/missed-deposits.js';
import { createNotices } from '../services/notices.js';
import { createOpenRecord } from '../services/open-record.js';
import { createPolicies } from '../services/policies.js';
import { createRepresentatives } from '../services/representatives.js';
import { addWithin, type StorageQuota } from '../services/storage-quota.js';
import { signUpPatient } from '../services/sign-up.js';
import { createVerifyPatient } from '../services/verify-patient.js';
import type { Vault } from '../vault/vault.js';
import type { Attester } from '../services/receipts/attestation.js';
import type { GatewayChain } from './open-chain.js';
import { openDecisionReceipts } from './receipt-parts.js';

export interface ServiceParts {
  readonly config: GatewayConfig;
  readonly logger: FastifyBaseLogger;
  readonly chain: LedgerChain;
  readonly ledgerSide: GatewayChain;
  readonly views: ChainViews | undefined;
  /** Who says where a transaction stands. */
  readonly attesters: readonly Attester[];
  readonly vault: Vault;
  readonly custodians: () => readonly CustodianDoor[];
  readonly wallets: WalletStore;
  readonly sessions: Sessions;
  readonly jobs: JobStore;
  readonly background: BackgroundWork;
  readonly missed: MissedDeposits;
  readonly quota: StorageQuota;
  readonly notReady: () => Promise<readonly string[]>;
}

const SECRET_BYTES = 32;
const PROFILE_KEY = 'profile';

/** All use cases of one gateway, put together. */
export function buildServices(parts: ServiceParts): Services {
  const { chain, views, vault, custodians, logger, config } = parts;
  const nowMs = Date.now;
  const { keysOf, ...accounts } = createAccounts({
    sessions: parts.sessions,
    unlock: (memberId, password) => parts.wallets.unlock(memberId, password),
  });
  const storeCiphertexts = (objects: readonly Uint8Array[]) => vault.put(objects);
  const fetchCiphertext = (cid: string, sha256Hex: string) => vault.get(cid, sha256Hex);
  const idSecret = loadSecret(join(config.storeDir, 'derived-id.key'));
  const add = adder(parts, { storeCiphertexts, idSecret });
  const onBadShare = (found: { custodian: string; recordId: string; transactionId: string }) =>
    logger.error(found, 'a custodian returned a share that does not fit the record');
  const onForgedOrigin = (found: { recordId: string; authorId: string; reason: string }) =>
    logger.error(found, "a record does not carry its author's signature");
  const consent = { chain, keysOf, nowMs, idSecret };
  const notes = { storeCiphertexts, fetchCiphertext };
  const recordVersions = createRecordVersions(consent);
  const pinned = pinnedOrganisations(config.dataDir, config.topology);
  const openings = createOpenRecord({
    ...{ chain, keysOf, custodians, fetchCiphertext, pinned },
    ...{ onBadShare, onForgedOrigin, background: parts.background },
  });
  const { openInEmergency, ...emergencies } = createEmergencies({
    ...consent,
    ...notes,
    readPermitted: openings.readPermitted,
  });
  const enrolment = createEnrolment(certificateIssuer(config.dataDir, config.organisation), parts.wallets);
  return {
    ...accounts,
    signUpPatient: (input) =>
      signUpPatient(
        { chain, enrolment, removeWallet: (id) => parts.wallets.remove(id), storeProfile: profileStore(add) },
        input,
      ),
    addRecord: createAddRecord({
      keysOf,
      add,
      nowMs,
      newestVersion: async (caller, recordId) => newestOf(await recordVersions(caller, { recordId })),
      blockOf: async (id) => views?.blockNumberOf(id),
    }),
    ...createAddBundle({
      keysOf,
      jobs: parts.jobs,
      background: parts.background,
      add,
      nowMs,
      onFailed: ({ jobId, error }) => tellFailedJob(logger, jobId, error),
    }),
    listRecords: createListRecords({ chain, keysOf }),
    recordVersions,
    openRecord: async (caller, { emergencyId, ...input }) =>
      emergencyId === undefined
        ? openings.openRecord(caller, input)
        : openInEmergency(caller, { ...input, emergencyId }),
    ...emergencies,
    ...createConsentServices(consent, notes),
    ...createChainViewServices({ chain, keysOf, views, nowMs }),
    decisionReceipt: openDecisionReceipts({ ...parts, keysOf }),
    verifyPatient: createVerifyPatient({ chain, keysOf }),
    notReady: parts.notReady,
  };
}

/** What the patient refused is no fault of the gateway, and wakes nobody. */
function tellFailedJob(logger: FastifyBaseLogger, jobId: string, error: unknown): void {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL';
  if (isErrorCode(code) && ERRORS[code].status < 500) logger.info({ jobId, code }, 'job refused');
  else logger.error({ jobId, err: error }, 'job failed');
}

interface ConsentParts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly nowMs: () => number;
  readonly idSecret: Uint8Array;
}

/** What patients give, take back and are asked for. */
function createConsentServices(
  consent: ConsentParts,
  notes: Omit<NotePorts, 'chain'>,
): ConsentServices & ExplanationServices {
  return {
    ...createGrants(consent),
    ...createPolicies(consent),
    ...createCareGroups(consent),
    ...createRepresentatives(consent),
    ...createDelegations(consent),
    ...createNotices(consent),
    ...createExplanations(consent),
    ...createAccessRequests({ ...consent, ...notes }),
  };
}

type Add = ReturnType<typeof adder>;

function adder(parts: ServiceParts, ports: Pick<AddRecordsPorts, 'storeCiphertexts' | 'idSecret'>) {
  const { chain, custodians, missed, quota, logger } = parts;
  return addWithin(quota, (input: RecordsToAdd) =>
    addRecords(
      {
        chain,
        custodians,
        ...ports,
        onMissedDeposit: ({ custodian, deposit, reason }) => {
          logger.warn({ custodian, reason }, 'a custodian did not take its shares; they are brought later');
          missed.keep({ custodian, deposit });
        },
      },
      input,
    ),
  );
}

/** A profile is a record like all else: encrypted, and on the chain as a digest. */
function profileStore(add: Add) {
  return (identity: RecordsToAdd['identity'], profile: object) =>
    add({
      identity,
      patientId: identity.memberId as RecordsToAdd['patientId'],
      purpose: 'PATRQT',
      records: [
        {
          class: 'Patient',
          label: 'N',
          dateMs: Date.now(),
          contentType: 'application/json',
          content: Buffer.from(JSON.stringify(profile)),
        },
      ],
      key: PROFILE_KEY,
    });
}

function loadSecret(path: string): Uint8Array {
  if (!existsSync(path)) writeFileSync(path, randomBytes(SECRET_BYTES), { mode: 0o600, flush: true });
  return readFileSync(path);
}
