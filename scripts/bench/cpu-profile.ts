/** Where a process spent its time, from a profile as V8's inspector makes it. */
export interface SelfTimes {
  /** Of the samples that were not idle. */
  readonly busyMs: number;
  /** Largest first; `share` of the busy time. */
  readonly places: readonly { readonly name: string; readonly share: number }[];
  readonly packages: readonly { readonly name: string; readonly share: number }[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

const IDLE = ['(idle)', '(program)', '(root)'];
/** Beginning and ending the profile is no part of what is looked at. */
const PROFILER = 'node:inspector';

export function selfTimes(profileJson: string): SelfTimes {
  const { nodes, samples, timeDeltas } = parseProfile(profileJson);
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const places = new Map<string, number>();
  const packages = new Map<string, number>();
  let busyUs = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame === undefined || frame.url === PROFILER || IDLE.includes(frame.functionName)) continue;
    const us = timeDeltas[index] ?? 0;
    const from = packageOf(frame.url);
    const place = `${frame.functionName || '(anonymous)'} [${from}]`;
    busyUs += us;
    places.set(place, (places.get(place) ?? 0) + us);
    packages.set(from, (packages.get(from) ?? 0) + us);
  }
  return { busyMs: busyUs / 1000, places: largest(places, busyUs), packages: largest(packages, busyUs) };
}

function largest(times: ReadonlyMap<string, number>, sumUs: number) {
  return [...times].map(([name, us]) => ({ name, share: us / sumUs })).sort((left, right) => right.share - left.share);
}

/** Of a module its package, of ours the folder. What has no address is native: sockets, files, signatures, collection. */
function packageOf(url: string): string {
  if (url === '') return 'native';
  if (url.startsWith('node:')) return 'node';
  const parts = url.split('/node_modules/');
  const own = /\/dist\/(?:network\/)?([^/]+(?:\/[^/]+)?)\//.exec(url)?.[1];
  if (parts.length === 1) return own ?? url;
  const [scope = '', name = ''] = (parts.at(-1) ?? '').split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

function parseProfile(json: string): Profile {
  return JSON.parse(json) as Profile;
}
