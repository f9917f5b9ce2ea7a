import { describe, expect, it } from 'vitest';
import { aptConfiguration } from '../../../../src/sources/debian/apt-options.js';
import {
  kernelDependency,
  shownPackages,
  simulatedInstalls,
  twinsOf,
  unknownPackages,
} from '../../../../src/sources/debian/apt-output.js';
import {
  archiveUris,
  poolUrls,
  withBackports,
  withComponents,
  withoutBackports,
} from '../../../../src/sources/debian/apt-sources.js';

const SOURCES = `# comment
deb http://mirror.example/debian trixie main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian trixie-updates main
deb-src http://mirror.example/debian trixie main
deb http://security.example/debian-security/ trixie-security main
`;

describe('withBackports', () => {
  it('adds the backports of the release itself, and takes them away again', () => {
    const sources = 'deb http://localhost/debian trixie main\ndeb http://localhost/security trixie-security main\n';
    const more = withBackports(sources, 'trixie');
    expect(more.split('\n')).toEqual([
      'deb http://localhost/debian trixie main',
      'deb http://localhost/debian trixie-backports main',
      'deb http://localhost/security trixie-security main',
      '',
    ]);
    expect(withoutBackports(more)).toBe(sources);
  });
});

describe('withComponents', () => {
  it('adds a component where it is missing and keeps options', () => {
    expect(withComponents(SOURCES, ['main', 'non-free-firmware']).split('\n')).toEqual([
      'deb http://mirror.example/debian trixie main non-free-firmware',
      'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian trixie-updates main non-free-firmware',
      'deb http://security.example/debian-security/ trixie-security main non-free-firmware',
      '',
    ]);
  });
});

describe('archiveUris', () => {
  it('names every archive once', () => {
    expect(archiveUris(SOURCES)).toEqual(['http://mirror.example/debian', 'http://security.example/debian-security']);
  });
});

describe('poolUrls', () => {
  it('tries the main archive first for its own pool', () => {
    expect(poolUrls(SOURCES, 'pool/main/b/bash/bash_5.2.37-2+b10_arm64.deb')).toEqual([
      'http://mirror.example/debian/pool/main/b/bash/bash_5.2.37-2%2Bb10_arm64.deb',
      'http://security.example/debian-security/pool/main/b/bash/bash_5.2.37-2%2Bb10_arm64.deb',
    ]);
  });

  it('tries the security archive first for what only it has', () => {
    const [first] = poolUrls(SOURCES, 'pool/updates/main/o/openssl/openssl_3.5.7-1~deb13u3_arm64.deb');
    expect(first).toMatch(/^http:\/\/security\.example\/debian-security\/pool\/updates\//);
  });

  it('has one URL when one mirror holds everything', () => {
    expect(poolUrls('deb file:/srv/mirror ./ \n', 'pool/a.deb')).toEqual(['file:/srv/mirror/pool/a.deb']);
  });
});

describe('aptConfiguration', () => {
  it('keeps state of one architecture in one folder', () => {
    const lines = aptConfiguration('arm64', '/mnt').split('\n');
    expect(lines).toContain('APT::Architecture "arm64";');
    expect(lines).toContain('APT::Install-Recommends "false";');
    expect(
      lines.filter((line) => /^Dir::(?:State|Cache|Log)/.test(line)).every((line) => line.includes('"/mnt/')),
    ).toBe(true);
  });

  it('never turns signatures off', () => {
    expect(aptConfiguration('arm64', '/mnt')).not.toMatch(/AllowUnauthenticated|AllowInsecure|trusted/i);
  });
});

describe('simulatedInstalls', () => {
  it('reads names and versions in the order of apt', () => {
    const output = `Reading package lists...
Inst gcc-14-base (14.2.0-19 Debian:13.5/stable [arm64])
Inst libc6 (2.41-12+deb13u4 Debian:13.5/stable, Debian-Security:13/stable-security [arm64]) []
Inst zlib1g [1:1.2] (1:1.3.dfsg+really1.3.1-1 Debian:13.5/stable [arm64])
Conf gcc-14-base (14.2.0-19 Debian:13.5/stable [arm64])
`;
    expect(simulatedInstalls(output)).toEqual([
      { name: 'gcc-14-base', version: '14.2.0-19' },
      { name: 'libc6', version: '2.41-12+deb13u4' },
      { name: 'zlib1g', version: '1:1.3.dfsg+really1.3.1-1' },
    ]);
  });
});

const stanza = (name: string, version: string, architecture = 'arm64') => `Package: ${name}
Version: ${version}
Installed-Size: 12
Architecture: ${architecture}
Description: a package
 Size: 1 is not a field here
Filename: pool/main/${name}_${version}_${architecture}.deb
Size: 4711
SHA256: ${'ab'.repeat(32)}
`;

describe('shownPackages', () => {
  it('reads what a download needs', () => {
    expect(shownPackages(stanza('bash', '5.2-1'))).toEqual([
      {
        name: 'bash',
        version: '5.2-1',
        architecture: 'arm64',
        filename: 'pool/main/bash_5.2-1_arm64.deb',
        sizeBytes: 4711,
        sha256: 'ab'.repeat(32),
      },
    ]);
  });

  it('counts a package of two suites once', () => {
    expect(shownPackages(`${stanza('bash', '5.2-1')}\n${stanza('bash', '5.2-1')}`)).toHaveLength(1);
  });

  it('leaves out what cannot be downloaded', () => {
    expect(shownPackages('Package: installed-only\nVersion: 1\nArchitecture: all\n')).toEqual([]);
  });
});

describe('unknownPackages', () => {
  it('finds the names in all of the messages that apt has for it', () => {
    const messages = `E: Unable to locate package dokcer.io
E: Package 'awk' has no installation candidate
N: Unable to locate package nanoo
E: Unable to locate package dokcer.io
E: Unable to correct problems, you have held broken packages.
`;
    expect(unknownPackages(messages)).toEqual(['dokcer.io', 'awk', 'nanoo']);
  });
});

describe('twinsOf', () => {
  const image = shownPackages(
    [
      stanza('grep', '3.11-4+b1'),
      stanza('bash', '5.2-1'),
      stanza('adduser', '3.152', 'all'),
      stanza('odd', '1-1'),
    ].join('\n'),
  );

  it('takes the same version, a binary rebuild included, and nothing else', () => {
    const host = shownPackages(
      [
        stanza('grep', '3.11-4+b2', 'amd64'),
        stanza('bash', '5.2-2', 'amd64'),
        stanza('adduser', '3.152', 'all'),
        stanza('odd', '1-1', 'amd64'),
      ].join('\n'),
    );
    expect(twinsOf(image, host).map(({ name, version }) => `${name} ${version}`)).toEqual([
      'grep 3.11-4+b2',
      'odd 1-1',
    ]);
  });
});

describe('kernelDependency', () => {
  it('finds the kernel that a package leads to, whatever else it depends on', () => {
    const stanza = 'Package: linux-image-arm64\nDepends: kmod, linux-image-6.12.118+deb13-arm64 (= 6.12.118-1)\n';
    expect(kernelDependency(stanza)).toBe('linux-image-6.12.118+deb13-arm64');
  });

  it('finds none behind another package', () => {
    expect(kernelDependency('Package: less\nDepends: libc6 (>= 2.38), linux-image-generic\n')).toBeUndefined();
    expect(kernelDependency('')).toBeUndefined();
  });
});
