import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { overlayProblems, type CheckedOverlays } from '../../../../src/build/debian/overlay-rules.js';
import type { PinnedSoftware } from '../../../../src/model/software.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-overlay-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const DATA = { role: 'data', startBytes: 'auto', readOnly: false, grow: false, logical: false } as const;

function spec(): CheckedOverlays['spec'] {
  const volume = { fs: 'ext4', label: 'x', sizeBytes: 'fit', headroomBytes: 0 } as const;
  return {
    hostname: 'reswarm',
    partitions: [
      { ...DATA, name: 'data', volume: 'data', mount: '/data' },
      { ...DATA, name: 'inner', volume: 'inner', mount: '/data/inner' },
      { ...DATA, name: 'spare', volume: 'spare' },
    ],
    volumes: { data: { ...volume, tree: 'data' }, inner: volume, spare: volume },
    trees: { data: { from: 'files', overlays: [join(folder, 'of-data')] } },
  };
}

async function write(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), 'x');
  }
}

async function found(software: readonly PinnedSoftware[] = []): Promise<string[]> {
  const problems = await overlayProblems({ spec: spec(), folders: [join(folder, 'over')], software });
  return problems.map(({ code, message }) => `${code}: ${message.replaceAll(`${folder}/`, '')}`);
}

describe('what a device would never see of an overlay', () => {
  it('is told: files below every mount point', async () => {
    await write(
      'over/boot/x',
      'over/data/inner/y',
      'over/var/run/z',
      'over/srv/fine',
      'of-data/inner/w',
      'of-data/fine',
    );
    expect(await found()).toEqual([
      'overlay-hidden: the overlay over has boot/x, which another file system hides on the device',
      'overlay-hidden: the overlay over has var/run/z, which another file system hides on the device',
      'overlay-hidden: the overlay over has data/inner, which another file system hides on the device',
      'overlay-hidden: the overlay over has data/inner/y, which another file system hides on the device',
      'overlay-hidden: the overlay of-data has inner/w, which another file system hides on the device',
    ]);
  });

  it.each(['etc/fstab', 'etc/hostname', 'etc/os-release', 'etc/reswarm-os-release', 'lib/reswarm/container-engine'])(
    'is told: %s, which the build writes',
    async (path) => {
      await write(`over/${path}`);
      expect(await found()).toEqual([
        `overlay-file-derived: the overlay over has ${path}, which the build replaces by its own`,
      ]);
    },
  );

  it('is told: what software of the same image brings', async () => {
    await write('over/bin/agent');
    const file = { source: { path: '/x' }, sha256: '', mode: 0o755, owner: 'root', at: {} };
    const software = (to: string): PinnedSoftware => ({ name: 'agent', files: [{ ...file, to }], units: [] });
    expect(await found([software('/usr/bin/agent')])).toEqual([
      'overlay-file-derived: the overlay over has bin/agent, which the build replaces by its own',
    ]);
    await rm(join(folder, 'over'), { recursive: true });
    expect(await found([software('/data/agent')])).toEqual([
      'software-destination: "/data/agent" lies on the partition data, not in the root file system',
    ]);
  });

  it('is nothing where the host name is the same, and of other files', async () => {
    await write('over/etc/hosts', 'over/usr/lib/os-release');
    await writeFile(join(folder, 'over/etc/hostname'), 'reswarm\n');
    expect(await found()).toEqual([]);
  });
});
