import { describe, expect, it } from '@jest/globals';
import { parseNewOrganisation } from '../../../network/consortium/new-organisation.js';

const CLINIC = {
  mspId: 'ClinicMSP',
  name: 'Clinic',
  domain: 'clinic.example',
  peer: { port: 7051, chaincodePort: 7052, operationsPort: 7053 },
  gateway: { port: 8080, internalPort: 8081, vaultPort: 8082 },
};

describe('parseNewOrganisation', () => {
  it('with a peer: the gateway goes through it, and nothing is decided by who joins', () => {
    const { organisation, agency, staff } = parseNewOrganisation(CLINIC);
    expect(organisation).toMatchObject({ endorses: false, custodian: false, peer: { host: 'peer0.clinic.example' } });
    expect(organisation.gateway.peerMspId).toBe('ClinicMSP');
    expect([agency, staff]).toEqual([undefined, []]);
  });

  it('without a peer: the gateway goes through that of the named member', () => {
    const { peer: _peer, ...client } = CLINIC;
    const { organisation } = parseNewOrganisation({ ...client, through: 'GovernmentMSP' });
    expect([organisation.peer, organisation.gateway.peerMspId]).toEqual([undefined, 'GovernmentMSP']);
  });

  it.each([
    { name: 'an endorser', change: { endorses: true }, says: 'NOT_SUPPORTED: /endorses must be false' },
    { name: 'a custodian', change: { custodian: true }, says: 'NOT_SUPPORTED: /custodian must be false' },
    { name: 'an unknown field', change: { colour: 'red' }, says: 'INPUT_INVALID: /colour is not a known member' },
    {
      name: 'a domain that leaves its folder',
      change: { domain: '../../etc' },
      says: 'INPUT_INVALID: /domain must be',
    },
    { name: 'a domain of one label', change: { domain: 'clinic' }, says: 'INPUT_INVALID: /domain must be' },
    {
      name: 'a port for the administrator',
      change: { peer: { ...CLINIC.peer, port: 80 } },
      says: '/peer/port must be',
    },
    {
      name: 'a patient among the staff',
      change: { staff: [{ memberId: 'p', role: 'patient' }] },
      says: '/staff/0/role',
    },
    {
      name: 'a member of staff named twice',
      change: { staff: ['doctor', 'nurse'].map((role) => ({ memberId: 'x', role })) },
      says: '/staff names an item twice',
    },
  ])('$name is refused', ({ change, says }) => {
    expect(() => parseNewOrganisation({ ...CLINIC, ...change })).toThrow(says);
  });
});
