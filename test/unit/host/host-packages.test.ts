import { describe, expect, it } from 'vitest';
import { formatCommand } from '../../../src/model/command.js';
import { packageManagerOf, parseOsRelease } from '../../../src/host/host-packages.js';

describe('packageManagerOf', () => {
  const apt = 'apt-get install --yes --no-install-recommends mmdebstrap';
  it.each([
    ['ID=debian\nVERSION_ID="12"', `${apt} qemu-user-static`],
    ['ID=debian\nVERSION_ID="13"', `${apt} qemu-user qemu-user-binfmt`],
    ['ID=debian\nVERSION_CODENAME=forky', `${apt} qemu-user qemu-user-binfmt`],
    ['ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"', `${apt} qemu-user-static`],
    ['ID=ubuntu\nID_LIKE=debian\nVERSION_ID="25.04"', `${apt} qemu-user qemu-user-binfmt`],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"', `${apt} qemu-user-static`],
    ['ID=fedora\nVERSION_ID=42', 'dnf install mmdebstrap qemu-user-static-aarch64'],
    ["ID=rocky\nID_LIKE='rhel centos fedora'", 'dnf install mmdebstrap qemu-user-static-aarch64'],
    ['ID=arch', 'pacman -S --needed mmdebstrap qemu-user-static qemu-user-static-binfmt'],
    ['ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"', 'zypper install mmdebstrap qemu-linux-user'],
    ['ID=alpine', 'apk add mmdebstrap qemu-aarch64 qemu-openrc'],
  ])('%j installs with %s', (osRelease, expected) => {
    const manager = packageManagerOf(parseOsRelease(osRelease));
    expect(manager === undefined ? '' : formatCommand(manager.install(['mmdebstrap', 'emulator']))).toBe(expected);
    expect(manager?.tried).toBe(expected.startsWith('apt-get'));
  });

  it('knows nothing of a distribution it does not know', () => {
    expect(packageManagerOf(parseOsRelease('ID=nixos'))).toBeUndefined();
    expect(packageManagerOf(parseOsRelease(''))).toBeUndefined();
  });

  it('never lets apt ask questions', () => {
    const manager = packageManagerOf({ ID: 'debian', VERSION_ID: '13' });
    expect(manager?.install(['apt']).env).toEqual({ DEBIAN_FRONTEND: 'noninteractive' });
    expect(manager?.refresh?.env).toEqual({ DEBIAN_FRONTEND: 'noninteractive' });
  });
});
