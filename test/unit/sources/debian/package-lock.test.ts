import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../../../src/model/command.js';
import { canonicalJson } from '../../../../src/model/json.js';
import { NetworkError, UserError } from '../../../../src/errors.js';
import type { Output } from '../../../../src/host/host.js';
import type { StageContext } from '../../../../src/pipeline/stage.js';
import { fetchDebs } from '../../../../src/sources/debian/debs.js';
import type { PackageLockInput } from '../../../../src/sources/debian/package-lock.js';
import { packageLockStage } from '../../../../src/sources/debian/package-lock.js';
import type { Packages } from '../../../../src/sources/debian/packages-of-image.js';
import { createFakeHost } from '../../../helpers/fake-host.js';

const input: PackageLockInput = {
  tools: { root: '/nowhere/tree', versions: {} },
  suite: 'trixie',
  architecture: 'arm64',
  hostArchitecture: 'amd64',
  sources: 'deb http://mirror.example/debian trixie main\n',
  archiveAsOf: '2026-01-01T00:00:00.000Z',
  packages: ['bash'],
  fetched: [],
};

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-lock-'));
  await mkdir(join(folder, 'work'));
  await mkdir(join(folder, 'out'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** An archive of bash and libc6 that answers as apt does. */
function archive(command: Command): Partial<Output> | undefined {
  const line = command.args.join(' ');
  if (line.includes('apt-get --quiet --error-on=any update')) return {};
  if (line.includes('--simulate install ?essential')) {
    if (line.includes('bahs')) return { exitCode: 100, stderr: 'E: Unable to locate package bahs\n' };
    if (line.includes('clashing')) return { exitCode: 100, stderr: 'E: Unable to correct problems\n' };
    return { stdout: 'Inst libc6 (2.41-1 Debian:13 [arm64])\nInst bash (5.2-1 Debian:13 [arm64])\n' };
  }
  if (line.includes('apt-cache pkgnames')) return { stdout: 'bash\nlibc6\nbase-files\n' };
  if (line.includes('apt-cache --no-all-versions show')) {
    const architecture = line.includes('=') && line.includes('libc6=2.41-1') ? 'arm64' : 'amd64';
    const stanza = (name: string, version: string) =>
      `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nFilename: pool/${name}_${architecture}.deb\nSize: 1\nSHA256: aa\n\n`;
    return { stdout: stanza('bash', '5.2-1') + stanza('libc6', architecture === 'arm64' ? '2.41-1' : '2.41-2') };
  }
  return undefined;
}

function context(run: (command: Command) => Partial<Output> | undefined, offline = false): StageContext {
  const host = createFakeHost({ run });
  const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };
  const shared = { downloads: join(folder, 'downloads'), ccache: folder, kernelBuilds: folder };
  return { host, report, shared, work: join(folder, 'work'), jobs: 1, offline };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function open(): Promise<Packages> {
  return Promise.resolve(packageLockStage.open({ key: 'k', path: join(folder, 'out') }, input));
}

describe('the package lock', () => {
  it('pins every package, and twins of the same version only', async () => {
    await packageLockStage.run(input, join(folder, 'out'), context(archive));
    const { lock } = await open();
    expect(lock.install.map(({ name, architecture }) => `${name} ${architecture}`)).toEqual([
      'libc6 arm64',
      'bash arm64',
    ]);
    expect(lock.essential).toEqual(['libc6', 'bash']);
    expect(lock.twins.map(({ name, architecture }) => `${name} ${architecture}`)).toEqual(['bash amd64']);
  });

  it('asks for no twins where host and image have the same architecture', async () => {
    const native = { ...input, hostArchitecture: 'arm64' };
    await packageLockStage.run(native, join(folder, 'out'), context(archive));
    expect((await open()).lock.twins).toEqual([]);
  });

  it('names an unknown package and the nearest one that there is', async () => {
    const wrong = { ...input, packages: ['bash', 'bahs'] };
    const error = await failure(packageLockStage.run(wrong, join(folder, 'out'), context(archive)));
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ code: 'unknown-package', hints: ['Did you mean "bash"?'] });
    await expect(readFile(join(folder, 'out/lock.json'))).rejects.toThrow();
  });

  it('tells packages that exclude each other from unknown ones', async () => {
    const wrong = { ...input, packages: ['clashing'] };
    const error = await failure(packageLockStage.run(wrong, join(folder, 'out'), context(archive)));
    expect(error).toMatchObject({ code: 'packages-conflict', details: ['E: Unable to correct problems'] });
  });

  it('refuses an unknown package that is only to be unpacked', async () => {
    const wrong = { ...input, fetched: ['bahs'] };
    const error = await failure(packageLockStage.run(wrong, join(folder, 'out'), context(archive)));
    expect(error).toMatchObject({ code: 'unknown-package' });
  });

  it('says that the archive is not reachable', async () => {
    const unreachable = (command: Command) =>
      command.args.includes('update') ? { exitCode: 100, stderr: 'E: Failed to fetch' } : archive(command);
    const error = await failure(packageLockStage.run(input, join(folder, 'out'), context(unreachable)));
    expect(error).toBeInstanceOf(NetworkError);
    expect(error).toMatchObject({ code: 'archive-unreachable' });
  });

  it('asks nobody when offline', async () => {
    const nobody = () => undefined;
    const error = await failure(packageLockStage.run(input, join(folder, 'out'), context(nobody, true)));
    expect(error).toMatchObject({ code: 'offline' });
  });

  it('has one key for the same packages in another order', () => {
    const key = (packages: readonly string[]) => canonicalJson(packageLockStage.key({ ...input, packages }));
    expect(key(['a', 'b'])).toBe(key(['b', 'a']));
    expect(key(['a', 'b'])).not.toBe(key(['a']));
  });
});

describe('fetchDebs', () => {
  const locked = (name: string, version = '1:2-3') => ({
    name,
    version,
    architecture: 'arm64',
    filename: `pool/main/${name}.deb`,
    sizeBytes: 10,
    sha256: 'aa',
  });

  it('keeps order, names files as apt does and asks for pinned bytes', async () => {
    const asked: string[] = [];
    const host = createFakeHost({
      download: async ({ urls, sha256, path }) => {
        await Promise.resolve();
        asked.push(`${urls.join(' ')} ${sha256} ${path}`);
      },
    });
    const debs = await fetchDebs([locked('a'), locked('b')], input.sources, { ...context(archive), host });
    expect(debs.map(({ path }) => path)).toEqual([
      join(folder, 'downloads/debs/a_1%3a2-3_arm64.deb'),
      join(folder, 'downloads/debs/b_1%3a2-3_arm64.deb'),
    ]);
    expect(asked[0]).toBe(
      `http://mirror.example/debian/pool/main/a.deb aa ${join(folder, 'downloads/debs/a_1%3a2-3_arm64.deb')}`,
    );
  });

  it('starts nothing new after a failure', async () => {
    let started = 0;
    const host = createFakeHost({
      download: async () => {
        started += 1;
        await Promise.resolve();
        throw new NetworkError('download-failed', 'no');
      },
    });
    const many = Array.from({ length: 50 }, (_, index) => locked(`p${index}`));
    const error = await failure(fetchDebs(many, input.sources, { ...context(archive), host }));
    expect(error).toMatchObject({ code: 'download-failed' });
    expect(started).toBeLessThan(20);
  });
});
