import { describe, expect, it } from '@jest/globals';
import { ERRORS } from '@medledger/chaincode/domain';
import { findUnusedCodes } from './error-usage.js';
import { readProjectFile } from './source-files.js';

interface DocumentedError {
  readonly code: string;
  readonly status: number;
  readonly issue: string;
  readonly text: string;
}

/** Reads the page by its layout alone, so that generator and test do not share a mistake. */
function readErrorsPage(page: string): readonly DocumentedError[] {
  const sections = page.split('<a id="').slice(1);
  return sections.map((section) => {
    const [code = ''] = section.split('"');
    const [, heading] = /\n### (\S+)\n/.exec(section) ?? [];
    const [, status, issue] = /\nHTTP (\d{3}) · FHIR issue `([a-z-]+)`\n/.exec(section) ?? [];
    const [, text = ''] = /\n\n([A-Z][^\n]*\.)\n/.exec(section) ?? [];
    expect(heading).toBe(code);
    return { code, status: Number(status), issue: issue ?? '', text };
  });
}

const documented = readErrorsPage(readProjectFile('docs/errors.md'));
const registered = Object.entries(ERRORS).map(([code, { status, issue, text }]) => ({ code, status, issue, text }));

describe('docs/errors.md', () => {
  it('has one anchor for each code, in the order of precedence', () => {
    expect(documented.map(({ code }) => code)).toEqual(registered.map(({ code }) => code));
  });

  it.each(registered)('says of $code what the registry says', (entry) => {
    expect(documented.find(({ code }) => code === entry.code)).toEqual(entry);
  });

  it('has no code that the registry does not know', () => {
    expect(documented.filter(({ code }) => !Object.hasOwn(ERRORS, code))).toEqual([]);
  });

  it('is read by a reader that notices a change', () => {
    const page = '<a id="A_B"></a>\n\n### A_B\n\nHTTP 404 · FHIR issue `not-found`\n\nGone. Look elsewhere.\n\n';
    expect(readErrorsPage(page)).toEqual([
      { code: 'A_B', status: 404, issue: 'not-found', text: 'Gone. Look elsewhere.' },
    ]);
    expect(readErrorsPage(page.replace('404', '4O4'))).toMatchObject([{ status: Number.NaN }]);
    expect(readErrorsPage(page.replace('Gone', 'gone'))).toMatchObject([{ text: '' }]);
  });
});

describe('findUnusedCodes', () => {
  it('finds a code that is only registered', () => {
    const files = [
      { path: 'chaincode/domain/request-errors.ts', text: 'USED: {}, DEAD: {}' },
      { path: 'gateway/x.ts', text: `throw new DomainError('USED', 'x'); // DEAD` },
    ];
    expect(findUnusedCodes(['USED', 'DEAD'], files)).toEqual(['DEAD']);
  });
});
