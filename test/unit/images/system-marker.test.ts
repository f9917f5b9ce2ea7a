import { expect, it } from 'vitest';
import type { MarkedSystem } from '../../../src/images/system-marker.js';
import { parseSystemMarker, systemMarkerText, systemOfBootVolume } from '../../../src/images/system-marker.js';

const ALL: readonly MarkedSystem[] = [
  { system: 'tiny', userland: 'busybox', hasSsh: true },
  { system: 'tiny', userland: 'busybox', hasSsh: false },
  { system: 'minimal', userland: 'workload', hasSsh: false, check: { command: ['/bin/true', '--x=1'] } },
  {
    system: 'minimal',
    userland: 'workload',
    hasSsh: false,
    check: { http: { port: 8080, path: '/a=b', status: 204, expect: 'ready\nto go' } },
  },
];

it.each(ALL.map((system) => [system]))('a marker says again what was written: %j', (system) => {
  expect(parseSystemMarker(systemMarkerText(system))).toEqual(system);
  expect(parseSystemMarker(systemMarkerText(system).replaceAll('\n', '\r\n'))).toEqual(system);
});

it.each(['CHECK=', 'CHECK={', 'CHECK={"http":{"port":"x"}}', 'CHECK=[]'])(
  'has no check where it reads "%s"',
  (line) => {
    expect(parseSystemMarker(`SYSTEM=minimal\nUSERLAND=workload\nSSH=0\n${line}\n`)).toEqual({
      system: 'minimal',
      userland: 'workload',
      hasSsh: false,
    });
  },
);

it('is not there on images with cloud-init', async () => {
  expect(await systemOfBootVolume({ readFile: () => Promise.resolve(undefined) })).toBeUndefined();
});
