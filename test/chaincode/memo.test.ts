import { describe, expect, it } from '@jest/globals';
import { memo } from '../../chaincode/state/memo.js';
import { TestConsortium } from './test-consortium.js';

describe('memo', () => {
  it('computes once for each key, and again for the one that was not asked for longest', () => {
    const computed: string[] = [];
    const twoOf = memo((key) => {
      computed.push(key);
      return key.toUpperCase();
    }, 2);
    expect(['a', 'b', 'a', 'c', 'a', 'b'].map(twoOf)).toEqual(['A', 'B', 'A', 'C', 'A', 'B']);
    expect(computed).toEqual(['a', 'b', 'c', 'b']);
  });
});

describe('a certificate that was parsed before', () => {
  it('in a proposal of another organisation: that organisation counts', async () => {
    const consortium = await TestConsortium.create();
    const doctor = consortium.actor('doctor-a');
    const input = { patientId: 'doctor-b', limit: 1 };
    await expect(consortium.query(doctor, 'records:list', input)).rejects.toThrow('PATIENT_UNKNOWN: ');
    const moved = { ...doctor, mspId: 'HospitalBMSP' };
    await expect(consortium.query(moved, 'records:list', input)).rejects.toThrow(
      'CALLER_UNKNOWN: doctor-a: organisation',
    );
  });
});
