import type { Role } from '@medledger/chaincode/domain';

/** Who works where in the demonstration. Patients are not among them: they sign up. */
export interface DemoStaff {
  readonly memberId: string;
  readonly role: Role;
  readonly agencyId?: string;
  readonly mspId: string;
}

/** Who brings the first register to the ledger. */
export const FOUNDING_ADMIN = 'admin-a';
export const DOCTORS_MIN = 2;
/** All of them are in one register document. */
export const DOCTORS_MAX = 200;

const HOSPITALS = [
  { suffix: 'a', agencyId: 'hospital-a', mspId: 'HospitalAMSP' },
  { suffix: 'b', agencyId: 'hospital-b', mspId: 'HospitalBMSP' },
] as const;

const OTHERS: readonly DemoStaff[] = [
  { memberId: 'nurse-a', role: 'nurse', agencyId: 'hospital-a', mspId: 'HospitalAMSP' },
  { memberId: FOUNDING_ADMIN, role: 'admin', mspId: 'HospitalAMSP' },
  { memberId: 'admin-b', role: 'admin', mspId: 'HospitalBMSP' },
  { memberId: 'insurer-1', role: 'insurer', agencyId: 'insurer', mspId: 'InsurerMSP' },
  { memberId: 'officer-1', role: 'government', agencyId: 'health-authority', mspId: 'GovernmentMSP' },
  { memberId: 'auditor-1', role: 'auditor', mspId: 'GovernmentMSP' },
  { memberId: 'admin-g', role: 'admin', mspId: 'GovernmentMSP' },
];

/**
 * @param doctors - how many, in turn at Hospital A and Hospital B: `doctor-a`, `doctor-b`, `doctor-a-2`, `doctor-b-2`…
 */
export function demoStaff(doctors: number): readonly DemoStaff[] {
  const numbered = Array.from({ length: doctors }, (_, at): DemoStaff => {
    const hospital = at % 2 === 0 ? HOSPITALS[0] : HOSPITALS[1];
    const number = Math.floor(at / 2) + 1;
    const { suffix, agencyId, mspId } = hospital;
    return { memberId: `doctor-${suffix}${number === 1 ? '' : `-${number}`}`, role: 'doctor', agencyId, mspId };
  });
  return [...numbered, ...OTHERS];
}
