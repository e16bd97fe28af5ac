import { describe, expect, it } from '@jest/globals';
import type { GrantId, MemberId, SetId } from '@medledger/chaincode/domain';
import * as chaincode from '../../../chaincode/state/keys.js';
import * as keys from '../../../scripts/verify/state-keys.js';

const patientId = 'p-1' as MemberId;
const memberId = 'doctor-a' as MemberId;
const lane = { patientId, memberId };
const grantId = `g${'0'.repeat(32)}` as GrantId;
const setId = 'ab'.repeat(16) as SetId;

describe('keys of state', () => {
  it('are those that the chaincode writes', () => {
    expect(keys.entryKey(lane, 12)).toBe(chaincode.entryKey(lane, 12));
    expect(keys.headKey(lane)).toBe(chaincode.headKey(lane));
    expect(keys.memberKey(memberId)).toBe(chaincode.memberKey(memberId));
    expect(keys.registerDocumentKey('ab')).toBe(chaincode.registerDocumentKey('ab'));
    expect(keys.grantKey(patientId, grantId)).toBe(chaincode.grantKey(patientId, grantId));
    expect(keys.grantOwnerKey(grantId)).toBe(chaincode.grantOwnerKey(grantId));
    expect(keys.recordSetKey(setId)).toBe(chaincode.recordSetKey(setId));
    expect([keys.CONFIG_KEY, keys.REGISTER_KEY]).toEqual([chaincode.CONFIG_KEY, chaincode.REGISTER_KEY]);
    expect([keys.ORGANISATION_PREFIX, keys.AGENCY_PREFIX]).toEqual([
      chaincode.ORGANISATIONS_PREFIX,
      chaincode.AGENCIES_PREFIX,
    ]);
    expect(chaincode.granteeKey(patientId, { kind: 'person', id: memberId })).toBe(
      `${keys.GRANTEE_PREFIX}p-1~person~doctor-a`,
    );
    expect(chaincode.requestsPrefix(patientId)).toBe(`${keys.REQUEST_PREFIX}p-1~`);
    expect(keys.endOf(keys.GRANT_PREFIX)).toBe(chaincode.endOf(keys.GRANT_PREFIX));
  });

  it('are read back where they are entries or heads, and nothing else is', () => {
    expect(keys.parseEntryKey(chaincode.entryKey(lane, 12))).toEqual({ lane, sequence: 12 });
    expect(keys.parseHeadKey(chaincode.headKey(lane))).toEqual(lane);
    const wrong = [
      'entry~p-1~doctor-a~12',
      'entry~p-1~doctor-a',
      'entry~p-1~doctor-a~0000000012~x',
      'entri~p-1~a~0000000001',
    ];
    expect(wrong.map(keys.parseEntryKey)).toEqual(wrong.map(() => undefined));
    expect(['lane~p-1', 'lane~p-1~a~b', 'line~p-1~a'].map(keys.parseHeadKey)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
