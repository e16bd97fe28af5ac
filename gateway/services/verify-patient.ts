import { type LaneAnswer, memberId } from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import type { Caller, Verification } from './medledger.js';
import { type KeysOf, requirePatientSide } from './people.js';

/** Another peer's copy being right says nothing of this one. */
const OWN_PEER = { ownPeerOnly: true } as const;

type LaneResult = { entries: number; fault?: { sequence: number; reason: string } };

/** Walks every lane of a patient from its first entry, on the peer of this gateway. */
export function createVerifyPatient(ports: { chain: LedgerChain; keysOf: KeysOf }) {
  const { chain, keysOf } = ports;
  return async function verifyPatient(caller: Caller, input: { patientId: string }): Promise<Verification> {
    if (caller.role !== 'auditor') await requirePatientSide(ports, caller, input.patientId);
    const identity = keysOf(caller);
    const lanes = await chain.query(
      identity,
      'audit:lanes',
      { patientId: memberId(input.patientId, '/patientId') },
      OWN_PEER,
    );
    let entries = 0;
    for (const lane of lanes) {
      const result = await walkLane(chain, identity, lane);
      entries += result.entries;
      if (result.fault !== undefined) {
        const name = `${lane.patientId}~${lane.memberId}`;
        return { ok: false, lanes: lanes.length, entries, firstBad: { lane: name, ...result.fault } };
      }
    }
    return { ok: true, lanes: lanes.length, entries };
  };
}

async function walkLane(chain: LedgerChain, identity: UnlockedIdentity, lane: LaneAnswer): Promise<LaneResult> {
  const { patientId, memberId: actor } = lane;
  let entries = 0;
  let from: LaneAnswer['head'] | undefined;
  for (;;) {
    const query = { patientId, memberId: actor, ...(from === undefined ? {} : { from }) };
    const answer = await chain.query(identity, 'audit:verifyLane', query, OWN_PEER);
    entries += answer.entries;
    if (answer.status === 'ok') return { entries };
    if (answer.status === 'bad') return { entries, fault: answer.fault };
    from = answer.from;
  }
}
