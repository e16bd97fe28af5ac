import { describe, expect, it } from '@jest/globals';
import { DomainError, ERRORS, errorCodeOf, invariant, isErrorCode } from '@medledger/chaincode/domain';

const entries = Object.entries(ERRORS);

describe('ERRORS', () => {
  it.each(entries)('%s has a code, a status and a sentence', (code, { status, text }) => {
    expect(code).toMatch(/^[A-Z][A-Z0-9_]*$/);
    expect([400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503, 507]).toContain(status);
    expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it('says what to do next: every text has a second sentence or clause', () => {
    const bare = entries.filter(([, { text }]) => !/[.;:,] /.test(text)).map(([code]) => code);
    expect(bare).toEqual([]);
  });
});

describe('DomainError', () => {
  it('begins its message with the code, which is found again in what crosses the peer', () => {
    const error = new DomainError('STALE_HEAD', 'lane p-1~dr-a: is at 7');
    expect(error.message).toBe('STALE_HEAD: lane p-1~dr-a: is at 7');
    expect(errorCodeOf(error.message)).toBe('STALE_HEAD');
  });

  it.each(['', 'STALE', 'stale_head: x', ' STALE_HEAD: x', 'toString: x', '__proto__', 'error: STALE_HEAD: x'])(
    'is not taken for one of ours: %j',
    (message) => {
      expect(errorCodeOf(message)).toBeUndefined();
      expect(isErrorCode(message)).toBe(false);
    },
  );

  it('keeps its cause', () => {
    const cause = new Error('disk');
    expect(new DomainError('INTERNAL', 'x', { cause }).cause).toBe(cause);
  });
});

describe('invariant', () => {
  it('fails as a bug, not as a bad request', () => {
    expect(() => invariant(true, 'x')).not.toThrow();
    expect(() => invariant(false, 'x')).toThrow('invariant failed: x');
    expect(() => invariant(false, 'x')).not.toThrow(DomainError);
  });
});
