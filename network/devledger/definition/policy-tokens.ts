export interface PolicyToken {
  readonly kind: 'name' | 'string' | 'number' | '(' | ')' | ',';
  /** Without quotes. */
  readonly text: string;
}

const TOKEN = /\s*(?:([A-Za-z]+)|(\d+)|'([^']*)'|"([^"]*)"|([(),]))/y;
const TEXT_CHARACTERS_MAX = 10_000;

/**
 * The words of a policy expression.
 *
 * @param fault - makes the error for what is none of them
 */
export function policyTokens(text: string, fault: (detail: string) => Error): PolicyToken[] {
  if (text.length > TEXT_CHARACTERS_MAX) throw fault(`it has more than ${TEXT_CHARACTERS_MAX} characters`);
  const tokens: PolicyToken[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw fault(`character ${at + 1} (${text.slice(at, at + 10).trim()}) is not understood`);
    tokens.push(tokenOf(match));
  }
  return tokens;
}

function tokenOf([, name, number, single, double, sign]: RegExpExecArray): PolicyToken {
  if (name !== undefined) return { kind: 'name', text: name };
  if (number !== undefined) return { kind: 'number', text: number };
  if (sign === '(' || sign === ')' || sign === ',') return { kind: sign, text: sign };
  return { kind: 'string', text: single ?? double ?? '' };
}
