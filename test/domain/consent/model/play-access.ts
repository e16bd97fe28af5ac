import type { AccessRequest } from '@medledger/chaincode/domain';
import type { ChainActor } from '../../../support/chain-actor.js';
import { modelDecision } from './model-decision.js';
import { at, DONE, type Player, REFUSED } from './player.js';
import { IDS, type Story } from './story.js';

export const add: Player<'add'> = async (story, step, by) => {
  const { seen, record } = await story.add(by, step);
  const actor = story.world.actor(by.memberId);
  if (actor.role === 'auditor') return { seen, expected: REFUSED };
  const { recordId: _recordId, ...facts } = record;
  const asked = { actor, patientId: story.patient.memberId, action: 'add', purpose: step.purpose } as const;
  const word = modelDecision({ ...asked, record: facts, atMs: story.timeMs }, story.world.consents());
  if (word.startsWith('permit')) story.world.records.push(record);
  return { seen, expected: [word] };
};

export const open: Player<'open'> = async (story, { records, purpose }, by) => {
  const chosen = story.chosen(records);
  if (chosen.length === 0) return undefined;
  const seen = await story.open(by, chosen, purpose);
  return { seen, expected: story.world.open(asking(story, by, purpose), chosen) };
};

function asking(story: Story, by: ChainActor, purpose: AccessRequest['purpose']): Omit<AccessRequest, 'record'> {
  const { patientId } = story.world;
  return { actor: story.world.actor(by.memberId), patientId, action: 'read', purpose, atMs: story.timeMs };
}

export const emergency: Player<'emergency'> = async (story, { records, lastsMs }, by) => {
  const { world } = story;
  const chosen = story.chosen(records);
  const emergencyId = IDS.emergency(story.nextId());
  const fromMs = story.timeMs;
  const body = { reason: 'unconscious', fromMs, untilMs: fromMs + lastsMs } as const;
  const seen = await story.emergency(by, { id: emergencyId, body }, chosen);
  const actor = world.actor(by.memberId);
  const isShort = lastsMs <= 4 * 3_600_000;
  // The patient needs no emergency, and its statement would name nobody else as signer.
  const mayCall = by.memberId !== world.patientId && actor.role !== 'auditor';
  if (!mayCall || !isShort) return { seen, expected: REFUSED };
  const refusal = world.refusesEmergency(actor, story.timeMs);
  if (refusal !== undefined) return { seen, expected: [`deny ${refusal}`] };
  world.declared.push({
    ...body,
    emergencyId,
    patientId: world.patientId,
    actorId: actor.memberId,
    declaredAtMs: story.timeMs,
  });
  return { seen, expected: world.open({ ...asking(story, by, 'ETREAT'), emergencyId }, chosen) };
};

export const goOn: Player<'goOn'> = async (story, { nth, records }, by) => {
  const { world } = story;
  const declared = at(world.declared, nth);
  const chosen = story.chosen(records);
  if (declared === undefined || chosen.length === 0) return undefined;
  const { emergencyId, reason, fromMs, untilMs, actorId, finding } = declared;
  const seen = await story.emergency(by, { id: emergencyId, body: { reason, fromMs, untilMs } }, chosen);
  if (actorId !== by.memberId) return { seen, expected: REFUSED };
  const isOver = story.timeMs >= untilMs || finding === 'unjustified';
  if (isOver) return { seen, expected: ['deny EMERGENCY_ENDED'] };
  return { seen, expected: world.open({ ...asking(story, by, 'ETREAT'), emergencyId }, chosen) };
};

export const review: Player<'review'> = async (story, { nth, finding }, by) => {
  const { world } = story;
  const declared = at(world.declared, nth);
  if (declared === undefined) return undefined;
  const { emergencyId, actorId } = declared;
  const { patientId } = world;
  const seen = await story.submit(by, 'access:review', { patientId, emergencyId, finding });
  const reviewer = world.actor(by.memberId);
  const isColleague = reviewer.agencyId !== undefined && reviewer.agencyId === world.actor(actorId).agencyId;
  const isSecond = reviewer.memberId !== actorId && (isColleague || ['government', 'auditor'].includes(reviewer.role));
  if (!isSecond || declared.finding !== undefined) return { seen, expected: REFUSED };
  world.declared = world.declared.map((known) => (known === declared ? { ...known, finding } : known));
  return { seen, expected: DONE };
};

/** Whether a notice is needed is told by every later decision; here only that who may announce is then known. */
export const announce: Player<'announce'> = async (story, _step, by) => {
  const seen = await story.submit(by, 'consents:announce', { patientId: story.world.patientId });
  const { registerVersion = 0, memberId } = story.world.actor(by.memberId);
  if (seen?.length === 0) story.world.noticed[memberId] = registerVersion;
  return { seen, expected: seen === undefined ? ['an answer'] : seen };
};

export const list: Player<'list'> = async (story, _step, by) => {
  const seen = await story.list(by);
  return { seen, expected: story.world.lists(story.world.actor(by.memberId), story.timeMs) };
};
