import type { MemberId, Notice, Page, PatientId } from '../domain/index.js';
import { noticedKey, noticedPrefix, noticeKey, noticesPrefix } from './keys.js';
import { jsonWrite, parseStored, readJson } from './stored-json.js';
import type { WorldState, Write } from './world-state.js';

interface Noticed {
  readonly registerVersion: number;
}

/** What a patient is told, in the transaction that does it. */
export const noticeWrite = (patientId: PatientId, notice: Notice): Write =>
  jsonWrite(noticeKey(patientId, notice), notice);

/** Notices in order of time. For queries only. */
export async function listNotices(
  state: WorldState,
  patientId: PatientId,
  page: { limit: number; cursor?: string },
): Promise<Page<Notice>> {
  const prefix = noticesPrefix(patientId);
  const rows = await state.page(prefix, page);
  const items = rows.items.map(({ place, text }) => parseStored<Notice>(`${prefix}${place}`, text));
  return rows.next === undefined ? { items } : { items, next: rows.next };
}

/** @returns register version of the member's membership that the patient was told of; undefined for none */
export async function readNoticed(
  state: WorldState,
  patientId: PatientId,
  memberId: MemberId,
): Promise<number | undefined> {
  return (await readJson<Noticed>(state, noticedKey(patientId, memberId)))?.registerVersion;
}

export const noticedWrite = (patientId: PatientId, memberId: MemberId, registerVersion: number): Write =>
  jsonWrite(noticedKey(patientId, memberId), { registerVersion } satisfies Noticed);

/** Everybody of whom the patient was told. For queries only. */
export async function listNoticed(
  state: WorldState,
  patientId: PatientId,
  pageItems: number,
): Promise<Readonly<Record<string, number>>> {
  const prefix = noticedPrefix(patientId);
  const rows = await state.all(prefix, pageItems);
  return Object.fromEntries(
    rows.map(({ place, text }) => [place, parseStored<Noticed>(`${prefix}${place}`, text).registerVersion]),
  );
}
