import { oneOf, type Parse } from './shape.js';

export const ROLES = ['patient', 'doctor', 'nurse', 'insurer', 'government', 'auditor', 'admin'] as const;
export type Role = (typeof ROLES)[number];
export const role: Parse<Role> = oneOf(ROLES);

/** Who treats, pays or counts: members of an agency who may ask for records. */
export const STAFF_ROLES: readonly Role[] = ['doctor', 'nurse', 'insurer', 'government'];

/** Who holds a member's keys: its organisation's gateway, or the member alone. */
export const KEY_CUSTODIES = ['wallet', 'own'] as const;
export type KeyCustody = (typeof KEY_CUSTODIES)[number];
export const keyCustody: Parse<KeyCustody> = oneOf(KEY_CUSTODIES);

/** HL7 PurposeOfUse, the part in use: http://terminology.hl7.org/CodeSystem/v3-ActReason */
export const PURPOSES = ['TREAT', 'HPAYMT', 'HOPERAT', 'HRESCH', 'ETREAT', 'PUBHLTH', 'PATRQT'] as const;
export type Purpose = (typeof PURPOSES)[number];
export const purpose: Parse<Purpose> = oneOf(PURPOSES);

/** HL7 Confidentiality: normal, restricted, very restricted ("secret"). http://terminology.hl7.org/CodeSystem/v3-Confidentiality */
export const LABELS = ['N', 'R', 'V'] as const;
export type Label = (typeof LABELS)[number];
export const label: Parse<Label> = oneOf(LABELS);

export const ACTIONS = ['read', 'add', 'share'] as const;
export type Action = (typeof ACTIONS)[number];

export const AGENCY_KINDS = ['practice', 'hospital', 'insurer', 'government', 'laboratory', 'pharmacy'] as const;
export type AgencyKind = (typeof AGENCY_KINDS)[number];
export const agencyKind: Parse<AgencyKind> = oneOf(AGENCY_KINDS);
