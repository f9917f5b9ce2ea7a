import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PinnedSoftware } from '../../../../src/model/software.js';
import {
  overlayConflicts,
  packageConflicts,
  programProblems,
} from '../../../../src/sources/software/software-conflicts.js';
import { readOwners, writeOwners } from '../../../../src/sources/debian/rootfs/owners.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-conflicts-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Options = {
  readonly to?: string;
  readonly mode?: number;
  readonly unit?: string;
  readonly start?: string;
  readonly unpack?: boolean;
};

function software({ to, mode = 0o755, unit, start = '/usr/bin/true', unpack = false }: Options): PinnedSoftware[] {
  const file = {
    ...{ source: { url: 'https://example.org/x' }, sha256: 'a', to: to ?? '', mode, owner: 'root', at: { line: 4 } },
    ...(unpack ? { unpack: { strip: 0 } } : {}),
  };
  const text = `[Service]\nExecStart=${start}\n`;
  return [
    {
      name: 'agent',
      files: to === undefined ? [] : [file],
      units: unit === undefined ? [] : [{ name: unit, text, enable: false, at: { line: 8 } }],
    },
  ];
}

describe('own software', () => {
  it('may not lie where a package has a file, whatever way its path is written', async () => {
    const info = join(folder, 'root/var/lib/dpkg/info');
    await mkdir(info, { recursive: true });
    await writeFile(join(info, 'bash.list'), '/.\n/usr\n/usr/bin\n/usr/bin/bash\n');
    await writeFile(join(info, 'libc6:arm64.list'), '/.\n/lib/ld.so\n');
    await writeFile(join(info, 'systemd.list'), '/usr/lib/systemd/system/a.service\n');
    await writeOwners(join(folder, 'root'), join(folder, 'owners.txt'));
    const owners = await readOwners(folder);

    const of = (options: Options) => packageConflicts(software(options), owners);
    expect(of({ to: '/bin/bash' })).toMatchObject([{ code: 'software-path-taken', line: 4 }]);
    expect(of({ to: '/usr/lib/ld.so' })[0]?.message).toContain('libc6');
    expect(of({ unit: 'a.service' })).toMatchObject([{ code: 'software-unit-taken', line: 8 }]);
    expect(of({ to: '/usr/bin/other', unit: 'b.service' })).toEqual([]);
    // A folder that packages have too.
    expect(of({ to: '/usr/bin', unpack: true })).toEqual([]);
  });

  it('may not have a unit that an overlay has', async () => {
    const overlay = join(folder, 'static');
    await mkdir(join(overlay, 'usr/lib/systemd/system'), { recursive: true });
    await writeFile(join(overlay, 'usr/lib/systemd/system/docker.service'), '');
    const found = await overlayConflicts(software({ unit: 'docker.service' }), [overlay]);
    expect(found).toMatchObject([{ code: 'software-unit-taken', line: 8 }]);
    expect(await overlayConflicts(software({ unit: 'other.service' }), [overlay])).toEqual([]);
  });

  it.each([
    ['nothing brings its program', { unit: 'a.service', start: '/usr/local/bin/agent' }, ['software-program-missing']],
    ['it may be in an archive', { unit: 'a.service', start: '/opt/a/b', to: '/opt', unpack: true }, []],
    ['a package may have it', { unit: 'a.service', start: '/usr/bin/anything' }, []],
    ['it may come at run time', { unit: 'a.service', start: '/var/lib/agent/run' }, []],
    ['it is one of its files', { unit: 'a.service', start: '/usr/local/bin/a', to: '/usr/local/bin/a' }, []],
    [
      'its program may not be run',
      { unit: 'a.service', start: '/usr/local/bin/a', to: '/usr/local/bin/a', mode: 0o644 },
      ['software-not-executable'],
    ],
  ] as const)('is looked through for programs: %s', async (_, options, codes) => {
    const problems = await programProblems(software(options), []);
    expect(problems.map(({ code }) => code)).toEqual(codes);
  });

  it('may start a program of an overlay', async () => {
    const overlay = join(folder, 'overlay');
    await mkdir(join(overlay, 'usr/local/bin'), { recursive: true });
    await writeFile(join(overlay, 'usr/local/bin/agent'), '');
    expect(await programProblems(software({ unit: 'a.service', start: '/usr/local/bin/agent' }), [overlay])).toEqual(
      [],
    );
  });
});
