import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { common, peer } from '@hyperledger/fabric-protos';
import { canonicalJson, fromBase64url, toBase64url } from '@medledger/chaincode/domain';
import { generateMemberKeys } from '../../../gateway/identity/member-keys.js';
import { signDer } from '../../../gateway/identity/signatures.js';
import { type Attestation, attestationBytes, certificateText } from '../../../gateway/services/receipts/attestation.js';
import { type DecisionReceipt, parseReceipt, sealedBytes } from '../../../gateway/services/receipts/receipt.js';
import { openCertificateAuthority, readIdentity, type ServiceUser } from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';
import { checkReceipt } from '../../../scripts/receipt/check-receipt.js';
import { readMembers } from '../../../scripts/receipt/msp-folder.js';
import type { ReceiptRules } from '../../../scripts/receipt/receipt-case.js';

type Signer = Pick<ReturnType<typeof readIdentity>, 'mspId' | 'certificatePem' | 'privateKey'>;

const { organisations, chaincode, endorsementsNeeded } = localTopology();
export const RULES: ReceiptRules = {
  chaincode: chaincode.name,
  endorsers: organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId),
  needed: endorsementsNeeded,
};

/** Somebody with the keys of organisations, who would like a receipt to say something else. */
export class ReceiptHand {
  readonly dataDir: string;
  readonly receipt: DecisionReceipt;
  readonly bytes: Uint8Array;

  /** @param dataDir - of the network, for its keys: copied, so that the network may be removed */
  constructor(dataDir: string, bytes: Uint8Array) {
    this.dataDir = mkdtempSync(join(tmpdir(), 'medledger-receipt-hand-'));
    cpSync(join(dataDir, 'organizations'), join(this.dataDir, 'organizations'), { recursive: true });
    this.bytes = bytes;
    this.receipt = parseReceipt(Buffer.from(bytes).toString('utf8'));
  }

  /** Names of the checks that fail; the authorities are this network's, where no others are given. */
  faults(bytes: Uint8Array, authorities = this.dataDir): readonly string[] {
    const { checks } = checkReceipt(bytes, { members: readMembers(authorities), rules: RULES });
    return checks.filter(({ ok }) => !ok).map(({ check }) => check);
  }

  /** The receipt with changes, sealed again by an organisation that would issue such a thing. */
  resealed(changes: Partial<DecisionReceipt>, signer: Signer = this.service('HospitalAMSP')): Uint8Array {
    const seal = { mspId: signer.mspId, certificate: certificateText(signer.certificatePem), signature: '' };
    const unsealed = { ...this.receipt, ...changes, seal };
    const signature = toBase64url(signDer(signer.privateKey, sealedBytes(unsealed)));
    return receiptBytes({ ...unsealed, seal: { ...seal, signature } });
  }

  attestation(text: string, signer: Signer): Attestation {
    const signature = toBase64url(signDer(signer.privateKey, attestationBytes(text)));
    return { mspId: signer.mspId, certificate: certificateText(signer.certificatePem), text, signature };
  }

  service(mspId: string, user: ServiceUser = 'Custodian'): Signer {
    return readIdentity(this.dataDir, domainOf(mspId), user);
  }

  /** A new member of an organisation, with a certificate of its authority. */
  async member(mspId: string): Promise<Signer> {
    const { signingKey, signingPublicKeySpki: publicKeySpki } = generateMemberKeys();
    const authority = openCertificateAuthority(this.dataDir, domainOf(mspId));
    const request = { publicKeySpki, memberId: 'custodian', role: 'doctor', ou: 'client' } as const;
    return { mspId, certificatePem: await authority.issueMember(request), privateKey: signingKey };
  }
}

export function receiptBytes(receipt: object): Uint8Array {
  return Buffer.from(canonicalJson(receipt), 'utf8');
}

/** The envelope without all but the first of its endorsements; the caller's signature is what it was. */
export function withOneEndorsement({ envelope }: DecisionReceipt): Uint8Array {
  const payload = common.Payload.deserializeBinary(fromBase64url(envelope.payload));
  const transaction = peer.Transaction.deserializeBinary(payload.getData_asU8());
  const [action] = transaction.getActionsList();
  const body = peer.ChaincodeActionPayload.deserializeBinary(action?.getPayload_asU8() ?? new Uint8Array());
  const endorsed = body.getAction();
  endorsed?.setEndorsementsList(endorsed.getEndorsementsList().slice(0, 1));
  body.setAction(endorsed);
  action?.setPayload(body.serializeBinary());
  payload.setData(transaction.serializeBinary());
  const changed = new common.Envelope();
  changed.setPayload(payload.serializeBinary());
  changed.setSignature(fromBase64url(envelope.signature));
  return changed.serializeBinary();
}

function domainOf(mspId: string): string {
  return organisations.find((organisation) => organisation.mspId === mspId)?.domain ?? '';
}
