/** How long the others may still answer once enough of them have. */
const GRACE_MS = 1_000;

/**
 * What several parties answered, in their order: all of them, or enough of them as soon as those have answered well
 * and the others have had a little longer. One that hangs holds nobody up.
 *
 * @param calls - never reject
 * @returns undefined in the place of who did not answer in time
 */
export async function enoughAnswers<Answer>(
  calls: readonly Promise<Answer>[],
  { needed, isGood, graceMs = GRACE_MS }: { needed: number; isGood: (answer: Answer) => boolean; graceMs?: number },
): Promise<(Answer | undefined)[]> {
  const answers: (Answer | undefined)[] = calls.map(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  let goodCount = 0;
  await new Promise<void>((resolve) => {
    const all = calls.map(async (call, at) => {
      const answer = await call;
      answers[at] = answer;
      if (!isGood(answer)) return;
      goodCount += 1;
      if (goodCount === needed) timer = setTimeout(resolve, graceMs);
    });
    void Promise.all(all).then(() => resolve());
  });
  clearTimeout(timer);
  // A copy: who answers later changes nothing that was handed out.
  return [...answers];
}
