/** Errors meant for people have a code or are StartErrors; of a bug the place is worth a line as well. */
export function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isExpected = error.name === 'StartError' || 'code' in error;
  const place = isExpected ? '' : (error.stack?.split('\n', 2).at(1) ?? '');
  return `${error.message}${place}`.replaceAll(/\s+/g, ' ');
}
