import { expect, it } from 'vitest';
import { describeJobs, followJobs, NO_JOBS } from '../../../src/model/pending-jobs.js';

const after = (...lines: readonly string[]) => describeJobs(lines.reduce(followJobs, NO_JOBS));

it('knows the units that have begun to start and are not there', () => {
  expect(
    after(
      '[   12.1] systemd[1]: Starting systemd-journald.service - Journal Service...',
      '         Starting systemd-journald.service - Journal Service...',
      '         Starting ssh.service - OpenBSD Secure Shell server...',
      '[  OK  ] Started systemd-journald.service - Journal Service.',
    ),
  ).toEqual(['OpenBSD Secure Shell server']);
});

it.each([
  '[  OK  ] Finished a.service - A thing.',
  '[FAILED] Failed to start a.service - A thing.',
  '[DEPEND] Dependency failed for a.service - A thing.',
  '[  OK  ] Mounted a.mount - A thing.',
  '[ TIME ] Timed out waiting for device A thing.',
])('knows that a unit is over: %s', (line) => {
  expect(after('         Starting a.service - A thing...', line)).toEqual([]);
});

it('puts first what systemd itself complains of, until it is there', () => {
  const lines = [
    '         Starting cloud-final.service - Cloud-init: Final Stage...',
    '[  *** ] A start job is running for Wait for Network to be Configured (1min 2s / 2min)',
    '[   ***] A start job is running for Wait for Network to be Configured (1min 5s / 2min)',
  ];
  expect(after(...lines)).toEqual(['Wait for Network to be Configured (1min 5s / 2min)', 'Cloud-init: Final Stage']);
  expect(after(...lines, '[  OK  ] Finished x.service - Wait for Network to be Configured.')).toEqual([
    'Cloud-init: Final Stage',
  ]);
});
