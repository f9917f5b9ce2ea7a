import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { pinPackages } from '../../src/build/debian/read-packages.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { PackageFile, Repository } from '../../src/model/packages.js';
import { canonicalJson } from '../../src/model/json.js';
import { fetchDebs } from '../../src/sources/debian/debs.js';
import { packageLockStage } from '../../src/sources/debian/package-lock.js';
import type { PackageLockInput } from '../../src/sources/debian/package-lock.js';
import type { PackageLock } from '../../src/sources/debian/packages.js';

const FIXTURES = join(import.meta.dirname, '../fixtures/apt');
const DEB = join(FIXTURES, 'vendor-agent_1.0_arm64.deb');
const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: false });
const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-wishes-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

function repository(name: string, suite: string, more: Partial<Repository> = {}): Repository {
  const url = pathToFileURL(join(FIXTURES, name)).href;
  const key = join(FIXTURES, 'vendor.asc');
  return {
    name: `${name}-${suite}`,
    url,
    suite,
    components: ['main'],
    key,
    at: { file: 'mine.yaml', line: 7 },
    ...more,
  };
}

const DEBIAN = [repository('archive', 'trixie'), repository('archive', 'trixie-backports')];
const VENDOR = repository('vendor', 'stable');

type Wishes = {
  readonly packages?: readonly string[];
  readonly without?: readonly string[];
  readonly files?: readonly PackageFile[];
  readonly repositories?: readonly Repository[];
  readonly architecture?: string;
};

async function inputFor(wishes: Wishes): Promise<PackageLockInput> {
  const { packages = [], without = [], files = [], repositories = [], architecture = 'arm64' } = wishes;
  const { wishes: pinned, problems } = await pinPackages(files, [...DEBIAN, ...repositories]);
  expect(problems).toEqual([]);
  return {
    tools: { root: inject('toolsTree'), versions: {} },
    suite: 'trixie',
    architecture,
    hostArchitecture: architecture,
    sources: '',
    archiveAsOf: '2026-01-01T00:00:00.000Z',
    packages,
    fetched: [],
    without,
    ...pinned,
  };
}

let count = 0;

async function lockOf(wishes: Wishes): Promise<PackageLock> {
  const [out, work] = [join(folder, `out-${(count += 1)}`), join(folder, `work-${count}`)];
  await mkdir(out);
  await mkdir(work);
  const shared = { downloads: join(folder, 'downloads'), ccache: folder, kernelBuilds: folder };
  const context = { host, report, shared, work, jobs: 1, offline: false };
  await packageLockStage.run(await inputFor(wishes), out, context);
  return JSON.parse(await readFile(join(out, 'lock.json'), 'utf8')) as PackageLock;
}

async function installed(wishes: Wishes): Promise<string[]> {
  return (await lockOf(wishes)).install.map(({ name, version }) => `${name} ${version}`).sort();
}

const ESSENTIAL = ['base-files 1.0', 'libbase 1.0'];

describe('a package', () => {
  it('is there in the version of the release, in another one, or from backports with what it needs', async () => {
    expect(await installed({ packages: ['tool'] })).toEqual([...ESSENTIAL, 'tool 1.0']);
    expect(await installed({ packages: ['tool=1.0'] })).toEqual([...ESSENTIAL, 'tool 1.0']);
    expect(await installed({ packages: ['tool=2.0'] })).toEqual([...ESSENTIAL, 'libnew 1.0', 'tool 2.0']);
    expect(await installed({ packages: ['tool/trixie-backports'] })).toEqual([...ESSENTIAL, 'libnew 1.0', 'tool 2.0']);
  });

  it('is refused in a version or of a release that no archive has; what there is is told', async () => {
    const hints = ['There is: 2.0 (trixie-backports/main), 1.0 (trixie/main).'];
    await expect(lockOf({ packages: ['tool=9'] })).rejects.toMatchObject({ code: 'package-version-unknown', hints });
    await expect(lockOf({ packages: ['tool/sid'] })).rejects.toMatchObject({ code: 'package-release-unknown', hints });
  });
});

describe('a package that is left out', () => {
  it('is not brought in by others that can do without it', async () => {
    expect(await installed({ packages: ['alarm'] })).toEqual([
      'alarm 1.0',
      ...ESSENTIAL.slice(0, 1),
      'clock-a 1.0',
      'libbase 1.0',
    ]);
    expect(await installed({ packages: ['alarm', 'clock-b'], without: ['clock-a'] })).toEqual([
      'alarm 1.0',
      'base-files 1.0',
      'clock-b 1.0',
      'libbase 1.0',
    ]);
    expect(await installed({ packages: ['tool'], without: ['editor'] })).toEqual([...ESSENTIAL, 'tool 1.0']);
  });

  it('is refused with the name of what needs it', async () => {
    await expect(lockOf({ packages: ['watch'], without: ['clock-a'] })).rejects.toMatchObject({
      code: 'package-needed',
      message: 'clock-a cannot be left out: watch needs it',
    });
    await expect(lockOf({ without: ['libbase'] })).rejects.toMatchObject({
      message: 'libbase cannot be left out: base-files needs it',
    });
    await expect(lockOf({ without: ['base-files'] })).rejects.toMatchObject({
      message: 'base-files cannot be left out: it is essential',
    });
  });
});

describe('a package file', () => {
  const file = (path: string): PackageFile => ({ path, at: { file: 'mine.yaml', line: 4, column: 3 } });

  it('is in the lock by its digest, without the place where it lies, and is fetched from there', async () => {
    const path = join(folder, 'agent.deb');
    await cp(DEB, path);
    const lock = await lockOf({ files: [file(path)] });
    const locked = lock.install.find(({ name }) => name === 'vendor-agent');
    expect(locked).toMatchObject({ version: '1.0', architecture: 'arm64', filename: 'agent.deb', local: true });
    expect(JSON.stringify(lock)).not.toContain(folder);
    const { packageFiles = [], ...input } = await inputFor({ files: [file(path)] });
    const shared = { downloads: join(folder, 'downloads'), ccache: folder, kernelBuilds: folder };
    const [deb] = await fetchDebs(
      locked === undefined ? [] : [locked],
      input.sources,
      { host, report, shared },
      packageFiles,
    );
    expect(await readFile(deb?.path ?? '')).toEqual(await readFile(DEB));
  });

  it('is refused where it is none, for another processor, or there twice', async () => {
    const text = join(folder, 'text.deb');
    await writeFile(text, 'text');
    const at = { file: 'mine.yaml', line: 4, column: 3 };
    const refusal = async (wishes: Wishes) => lockOf(wishes).catch((error: unknown) => error);
    expect(await refusal({ files: [file(text)] })).toMatchObject({
      problems: [{ code: 'package-file-invalid', ...at }],
    });
    expect(await refusal({ files: [file(DEB)], architecture: 'amd64' })).toMatchObject({
      problems: [{ code: 'package-file-architecture', ...at }],
    });
    expect(await refusal({ files: [file(DEB), file(DEB)] })).toMatchObject({
      problems: [{ code: 'package-file-twice', ...at }],
    });
  });
});

describe('another repository', () => {
  it('gives its packages, once its key is known', async () => {
    await expect(lockOf({ packages: ['hello'] })).rejects.toMatchObject({ code: 'unknown-package' });
    expect(await installed({ packages: ['hello'], repositories: [VENDOR] })).toEqual([
      'base-files 1.0',
      'hello 3.0',
      'libbase 1.0',
    ]);
  });

  it('is refused where another key signs it', async () => {
    const repositories = [{ ...VENDOR, key: join(FIXTURES, 'other.gpg') }];
    await expect(lockOf({ packages: ['hello'], repositories })).rejects.toMatchObject({
      code: 'repository-untrusted',
      problems: [{ file: 'mine.yaml', line: 7 }],
    });
  });

  it('is refused where nothing signs it any more', async () => {
    const copy = join(folder, 'vendor');
    await cp(join(FIXTURES, 'vendor'), copy, { recursive: true });
    const release = join(copy, 'dists/stable/InRelease');
    const signed = await readFile(release, 'utf8');
    await writeFile(release, signed.replace('Origin: Test', 'Origin: Fake'));
    const repositories = [{ ...VENDOR, url: pathToFileURL(copy).href }];
    await expect(lockOf({ packages: ['hello'], repositories })).rejects.toMatchObject({ code: 'repository-untrusted' });
    await writeFile(join(copy, 'dists/stable/Release'), /\n\n([\s\S]*)\n-----BEGIN PGP SIG/.exec(signed)?.[1] ?? '');
    await rm(release);
    await expect(lockOf({ packages: ['hello'], repositories })).rejects.toMatchObject({ code: 'repository-untrusted' });
  });

  it('is named when it has no such suite', async () => {
    const repositories = [{ ...VENDOR, suite: 'sid' }];
    await expect(lockOf({ repositories })).rejects.toMatchObject({ code: 'repository-unreachable' });
  });
});

describe('the key of a package lock', () => {
  const keyOf = async (wishes: Wishes) => canonicalJson(packageLockStage.key(await inputFor(wishes)));

  it('changes with each wish, and has no part for what nobody wishes', async () => {
    const bare = { ...(await inputFor({})), packageFiles: [], repositories: [], without: [] };
    expect(Object.keys(packageLockStage.key(bare) as object).toSorted()).toEqual([
      'architecture',
      'archiveAsOf',
      'fetched',
      'hostArchitecture',
      'packages',
      'sources',
      'suite',
    ]);
    const keys = [
      await keyOf({}),
      await keyOf({ without: ['editor'] }),
      await keyOf({ files: [{ path: DEB, at: {} }] }),
      await keyOf({ repositories: [VENDOR] }),
      await keyOf({ repositories: [{ ...VENDOR, key: join(FIXTURES, 'other.gpg') }] }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});
