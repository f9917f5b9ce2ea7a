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
  ).toEqual(['ssh.service - OpenBSD Secure Shell server']);
});

it('knows units by shortened names', () => {
  const starting = [
    '[  147.8] systemd[1]: Starting systemd-remount-fs.service - Remount Root and Kernel File Systems...',
    '         Starting systemd-remount-fs.servic…munt Root and Kernel File Systems...',
    '         Starting systemd-tmpfiles-setup-de…ate Static Device Nodes in /dev...',
  ];
  const remount = 'systemd-remount-fs.service - Remount Root and Kernel File Systems';
  expect(after(...starting)).toEqual([remount, 'systemd-tmpfiles-setup-de…ate Static Device Nodes in /dev']);
  expect(after(...starting, '[  OK  ] Finished systemd-tmpfiles-setup…reate Static Device Nodes in /dev.')).toEqual([
    remount,
  ]);
});

it.each([
  '[  OK  ] Finished a.service - A thing.',
  '[FAILED] Failed to start a.service - A thing.',
  '[DEPEND] Dependency failed for a.service - A thing.',
  '[  OK  ] Mounted a.service - A thing.',
  '[ TIME ] Timed out waiting for device a.service - A thing.',
])('knows that a unit is over: %s', (line) => {
  expect(after('         Starting a.service - A thing...', line)).toEqual([]);
});

it('puts first what systemd itself complains of, until it is there', () => {
  const lines = [
    '         Starting cloud-final.service - Cloud-init: Final Stage...',
    '[  *** ] A start job is running for systemd-networ…e - Wait for Network (1min 2s / 2min)',
    '[   ***] A start job is running for systemd-networ…e - Wait for Network (1min 5s / 2min)',
  ];
  const final = 'cloud-final.service - Cloud-init: Final Stage';
  expect(after(...lines)).toEqual(['systemd-networ…e - Wait for Network (1min 5s / 2min)', final]);
  expect(after(...lines, '[  OK  ] Finished systemd-networkd-wait-online.service - Wait.')).toEqual([final]);
});
