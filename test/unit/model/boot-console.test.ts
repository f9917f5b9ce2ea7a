import { describe, expect, it } from 'vitest';
import { plainText, readConsoleLine } from '../../../src/model/boot-console.js';

describe('plainText', () => {
  it.each([
    ['\u001b[0;32m  OK  \u001b[0m] Started \u001b[0;1;39mssh.service\u001b[0m\r', '  OK  ] Started ssh.service'],
    ['\u001b[!p\u001b]104\u0007[    1.86] systemd[1]: hello', '[    1.86] systemd[1]: hello'],
    ['\u001b]104\u001b\\[    1.86] systemd[1]: hello', '[    1.86] systemd[1]: hello'],
    ['[\u001b[0;1;38:5:185mDEPEND\u001b[0m] Dependency failed', '[DEPEND] Dependency failed'],
    ['   \r', ''],
  ])('leaves only the words of %j', (line, expected) => {
    expect(plainText(line)).toBe(expected);
  });
});

describe('readConsoleLine', () => {
  it.each([
    ['[    0.000000] Linux version 6.12.117-reswarm (reswarm@reswarm-os)', 'kernel', '6.12.117-reswarm'],
    ['[    1.084] EXT4-fs (vda2): mounted filesystem 29af ro with ordered data mode.', 'root', 'vda2'],
    ['[    1.085] VFS: Mounted root (ext4 filesystem) readonly on device 254:2.', 'root', 'ext4'],
    [
      '104[    1.865] systemd[1]: systemd 257.13-1~deb13u1 running in system mode (+PAM)',
      'systemd',
      'systemd 257.13-1~deb13u1',
    ],
    ['[  175.214868] reboot: Power down', 'power-off', 'Power down'],
  ])('sees in %j that %s is reached', (line, milestone, detail) => {
    expect(readConsoleLine(line)).toEqual({ kind: 'reached', milestone, detail });
  });

  it.each([
    [
      '[    3.1] Kernel panic - not syncing: VFS: Unable to mount root fs on "PARTUUID=x" or unknown-block(0,0)',
      'kernel-panic',
    ],
    ['[    3.1] Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP', 'kernel-panic'],
    ['You are in emergency mode. After logging in, type "journalctl -xb"', 'emergency-mode'],
    ['Cannot open access to console, the root account is locked.', 'emergency-mode'],
    ['[  OK  ] Reached target emergency.target - Emergency Mode.', 'emergency-mode'],
    ['[FAILED] Failed to start cloud-init-main.service - Cloud-init: Single Process.', 'cloud-init-crashed'],
  ])('sees at once that nothing more will come after %j', (line, code) => {
    expect(readConsoleLine(line)).toMatchObject({ kind: 'fatal', code });
  });

  it('reads a fact that shares its line with other words', () => {
    const line = 'reswarm login: [   81.7] RESWARM-PROOF {"fact":"units","value":{"state":"running","failed":[]}}';
    expect(readConsoleLine(line)).toEqual({ kind: 'fact', name: 'units', value: { state: 'running', failed: [] } });
  });

  it.each([
    'RESWARM-PROOF {"fact":"units","val',
    'RESWARM-PROOF {"fact":"units","value":}',
    'RESWARM-PROOF {"value":1}',
    'RESWARM-PROOF {"fact":1,"value":1}',
    '[  OK  ] Started ssh.service - OpenBSD Secure Shell server.',
    'Give root password for the moon',
  ])('makes nothing of %j', (line) => {
    expect(readConsoleLine(line)).toBeUndefined();
  });
});
