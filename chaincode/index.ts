import { AccessContract } from './contracts/access-contract.js';
import { AuditContract } from './contracts/audit-contract.js';
import { ConsentContract } from './contracts/consent-contract.js';
import { MemberContract } from './contracts/member-contract.js';
import { RecordContract } from './contracts/record-contract.js';
import { rememberParsedCertificates } from './state/certificate-memo.js';
import { takeUpOffers } from './state/peer-batches.js';
import { skipUnloggedLines } from './state/skip-unlogged-lines.js';

rememberParsedCertificates();
skipUnloggedLines();
takeUpOffers();

/** What fabric-chaincode-node serves. */
export const contracts = [MemberContract, RecordContract, ConsentContract, AccessContract, AuditContract];
