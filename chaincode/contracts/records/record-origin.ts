import { DomainError, type OriginAnswer, placeOf, recordAt, recordDigest } from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import { readRecordSet } from '../../state/record-store.js';
import { readMember, readRegisterDocument } from '../../state/register-store.js';
import { type Asked, knownToCaller } from './named-records.js';

/** Of the records that lie in the same set only their digests are told. */
export async function findOrigin(question: Question<'records:origin'> & Asked): Promise<OriginAnswer> {
  const { state, input } = question;
  const { setId, index } = placeOf(input.recordId);
  const set = await readRecordSet(state, setId);
  const record = set === undefined ? undefined : recordAt(set, index);
  const known = record === undefined ? [] : await knownToCaller(question, [record], { spentToo: true });
  if (set === undefined || known.length === 0) throw new DomainError('RECORD_UNKNOWN', `no record ${input.recordId}`);
  const author = await readMember(state, set.authorId);
  if (author === undefined) throw new DomainError('STATE_CORRUPT', `the register has lost ${set.authorId}`);
  const digest = author.registerDigest;
  const register = digest === undefined ? undefined : await readRegisterDocument(state, digest);
  return {
    setId,
    authorSignature: set.authorSignature,
    digests: set.records.map(recordDigest),
    author,
    ...(register === undefined ? {} : { register }),
  };
}
