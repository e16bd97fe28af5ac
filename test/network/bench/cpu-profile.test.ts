import { expect, it } from '@jest/globals';
import { selfTimes } from '../../../scripts/bench/cpu-profile.js';

const frame = (id: number, functionName: string, url: string) => ({ id, callFrame: { functionName, url } });

it('self times leave out idling and the profiler, and are summed by function and package', () => {
  const nodes = [
    frame(1, '(idle)', ''),
    frame(2, 'commit', 'file:///p/dist/network/devledger/commit/apply-blocks.js'),
    frame(3, 'commit', 'file:///p/dist/network/devledger/commit/apply-blocks.js'),
    frame(4, 'write', 'file:///p/node_modules/@grpc/grpc-js/build/src/server.js'),
    frame(5, 'post', 'node:inspector'),
  ];
  const profile = { nodes, samples: [1, 2, 3, 4, 5, 2], timeDeltas: [9000, 1000, 2000, 4000, 8000, 1000] };
  expect(selfTimes(JSON.stringify(profile))).toEqual({
    busyMs: 8,
    places: [
      { name: 'commit [devledger/commit]', share: 0.5 },
      { name: 'write [@grpc/grpc-js]', share: 0.5 },
    ],
    packages: [
      { name: 'devledger/commit', share: 0.5 },
      { name: '@grpc/grpc-js', share: 0.5 },
    ],
  });
});
