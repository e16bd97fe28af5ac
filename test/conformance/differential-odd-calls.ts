import type { Random } from '../faults/random.js';
import { COLLECTIONS } from './differential-kinds.js';
import { CALLEE } from './ledger-under-test.js';
import type { StubCall } from './member-client.js';

/** What a key may not be, or may only just be. */
export const ODD_KEYS = [
  '',
  '\u0000',
  '\u0000visit\u0000',
  'k\u0000k',
  '\u{10ffff}',
  'k\u{10ffff}',
  '\ud800',
  'é',
  'k'.repeat(300),
];
const BOOKMARKS = ['', 'list', 'list1-0003', 'list9', 'a', '\u0000', 'list0-0010'];
const PAGE_SIZES = [0, 1, 2, 7, 20, 50, 100, -1];

/** What a query may ask for and an update may not, or nobody should. */
export function oddCall(random: Random): StubCall {
  const size = random.oneOf(PAGE_SIZES);
  const calls: readonly (() => StubCall)[] = [
    () => [
      'attempt',
      [
        'page',
        random.oneOf(['', 'k', 'list', 'list0-', 'z']),
        random.oneOf(['', 'l', 'list~', 'a']),
        size,
        random.oneOf(BOOKMARKS),
      ],
    ],
    () => ['attempt', ['pages', 'list', 'list~', 1 + random.below(60)]],
    () => ['attempt', ['pages', '', '', 1 + random.below(60)]],
    () => ['attempt', ['pageComposite', 'visit', random.oneOf([[], ['p1']]), size, '']],
    () => ['attempt', ['get', random.oneOf(ODD_KEYS)]],
    () => ['attempt', ['delete', random.oneOf(ODD_KEYS)]],
    () => ['attempt', ['history', random.oneOf(ODD_KEYS)]],
    () => ['attempt', ['range', random.oneOf(ODD_KEYS), random.oneOf(ODD_KEYS)]],
    () => ['attempt', ['private', random.oneOf(COLLECTIONS), random.oneOf(ODD_KEYS)]],
    () => ['attempt', ['putPrivate', random.oneOf(COLLECTIONS), random.oneOf(ODD_KEYS), 'x']],
    () => ['attempt', ['purgePrivate', random.oneOf(COLLECTIONS), random.oneOf(ODD_KEYS)]],
    () => ['attempt', ['rangePrivate', random.oneOf(COLLECTIONS), random.oneOf(ODD_KEYS), random.oneOf(ODD_KEYS)]],
    () => ['attempt', ['privateHash', random.oneOf(['', 'nowhere', '_implicit_org_Nobody']), 'k']],
    () => ['attempt', ['event', '', 'x']],
    () => [
      'attempt',
      ['invoke', random.oneOf(['', 'nobody', CALLEE]), random.oneOf([[], [''], ['nonsense'], ['run']])],
    ],
    () => ['attempt', onCallee(['invoke', 'conformance', ['run', '[["get","k01"]]']])],
    () => ['attempt', ['invoke', 'conformance', ['run', '[["get","k01"]]']]],
    () => ['attempt', onCallee(['putPrivate', 'hospitals', 'p1', 'x'])],
    () => ['attempt', ['queryPrivate', random.oneOf(COLLECTIONS), '{"selector":{}}']],
  ];
  return random.oneOf(calls)();
}

export function onCallee(call: StubCall): StubCall {
  return ['invoke', CALLEE, ['run', JSON.stringify([call])]];
}
