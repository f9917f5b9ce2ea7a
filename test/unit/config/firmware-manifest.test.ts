import { describe, expect, it } from 'vitest';
import {
  dockerBundle,
  firmwareEntry,
  loadFirmwareManifest,
  parseFirmwareManifest,
} from '../../../src/config/firmware-manifest.js';
import type { UserError } from '../../../src/errors.js';

const file = { path: 'start.elf', sha256: 'a'.repeat(64), sizeBytes: 1 };
const entry = {
  name: 'firmware',
  version: '1',
  files: [file],
  sources: [{ url: 'https://example.org/{path}' }],
  licence: { name: 'MIT', file: 'LICENCE', text: ['Do as you like.'] },
  from: 'made up',
};

function problemsOf(value: unknown) {
  try {
    parseFirmwareManifest(JSON.stringify(value, undefined, 1), 'manifest.json');
    return [];
  } catch (error) {
    return (error as UserError).problems;
  }
}

describe('firmware-manifest.json of this repository', () => {
  it('is valid and pins every file that the boards of the 3 and 4 family may load', async () => {
    const manifest = await loadFirmwareManifest('firmware-manifest.json');
    const { files, sources } = firmwareEntry(manifest, 'raspberrypi-firmware');
    const names = files.map(({ path }) => path);
    for (const variant of ['', '_cd', '_x', '_db']) {
      const four = variant.replace('_', '');
      expect(names).toEqual(expect.arrayContaining([`start${variant}.elf`, `fixup${variant}.dat`]));
      expect(names).toEqual(expect.arrayContaining([`start4${four}.elf`, `fixup4${four}.dat`]));
    }
    expect(names).toContain('bootcode.bin');
    expect(sources.map((source) => ('url' in source ? 'url' : source.debian.package))).toEqual([
      'raspi-firmware',
      'url',
    ]);
  });
});

describe('parseFirmwareManifest', () => {
  it('takes an entry with a Debian package and a URL', () => {
    const sources = [{ debian: { package: 'p', path: 'usr/lib/p' } }, { url: 'https://example.org/{path}' }];
    expect(problemsOf({ entries: [{ ...entry, sources }] })).toEqual([]);
  });

  it.each([
    ['an unknown key', { ...entry, licens: 1 }, 'unknown-key'],
    ['no version', { ...entry, version: undefined }, 'missing-key'],
    ['a short digest', { ...entry, files: [{ ...file, sha256: 'abc' }] }, 'invalid-value'],
    ['a digest in capitals', { ...entry, files: [{ ...file, sha256: 'A'.repeat(64) }] }, 'invalid-value'],
    ['no files', { ...entry, files: [] }, 'invalid-value'],
    ['no sources', { ...entry, sources: [] }, 'invalid-value'],
    ['an absolute path', { ...entry, files: [{ ...file, path: '/etc/passwd' }] }, 'invalid-value'],
    ['a path that climbs out', { ...entry, files: [{ ...file, path: '../start.elf' }] }, 'invalid-value'],
    ['a path that climbs out later', { ...entry, files: [{ ...file, path: 'a/../../b' }] }, 'invalid-value'],
    ['a size as text', { ...entry, files: [{ ...file, sizeBytes: '1' }] }, 'wrong-type'],
    ['an ftp URL', { ...entry, sources: [{ url: 'ftp://example.org/' }] }, 'invalid-value'],
    ['a file twice', { ...entry, files: [file, file] }, 'manifest-duplicate'],
  ])('refuses %s, with its place', (_what, wrong, code) => {
    const problems = problemsOf({ entries: [wrong] });
    expect(problems.map((problem) => problem.code)).toEqual([code]);
    expect(problems[0]).toMatchObject({ file: 'manifest.json', line: expect.any(Number) as number });
    expect(problems[0]?.line).toBeGreaterThan(1);
  });

  it('refuses two entries of one name, with the place of the second', () => {
    expect(problemsOf({ entries: [entry, entry] })).toMatchObject([
      { code: 'manifest-duplicate', line: 28, column: 12 },
    ]);
  });

  it('refuses broken JSON with its place', () => {
    expect(() => parseFirmwareManifest('{"entries": [', 'manifest.json')).toThrow(
      expect.objectContaining({ code: 'yaml-syntax' }),
    );
  });
});

it('names an unknown entry and the nearest known one', () => {
  expect(() => firmwareEntry({ entries: [entry] }, 'firmwar')).toThrow(
    expect.objectContaining({ code: 'unknown-firmware', hints: ['Did you mean "firmware"?'] }),
  );
});

it('says which manifest cannot be read', async () => {
  await expect(loadFirmwareManifest('/nowhere/manifest.json')).rejects.toMatchObject({
    code: 'manifest-unreadable',
    message: expect.stringContaining('/nowhere/manifest.json') as string,
  });
});

describe('the bundle of Docker’s static programs', () => {
  it('is the pinned one for the board’s architecture', async () => {
    const manifest = await loadFirmwareManifest('firmware-manifest.json');
    const bundle = dockerBundle(manifest, 'arm64', 'pinned');
    expect(bundle.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(bundle.url).toMatch(/\/linux\/static\/stable\/aarch64\/docker-\d+\.\d+\.\d+\.tgz$/);
    expect(bundle.url).toContain(bundle.version);
  });

  it('may be another version or lie elsewhere', async () => {
    const manifest = await loadFirmwareManifest('firmware-manifest.json');
    const mine = { version: '30.0.0', sha256: 'b'.repeat(64) };
    const other = dockerBundle(manifest, 'arm64', mine);
    expect(other).toMatchObject(mine);
    expect(other.url).toMatch(/aarch64\/docker-30\.0\.0\.tgz$/);
    const url = 'https://example.org/{architecture}/{version}';
    const elsewhere = dockerBundle(manifest, 'arm64', { ...mine, url });
    expect(elsewhere.url).toBe('https://example.org/aarch64/30.0.0');
  });

  it('is refused where nothing is pinned', () => {
    const manifest = parseFirmwareManifest(JSON.stringify({ entries: [entry] }), 'manifest.json');
    expect(() => dockerBundle(manifest, 'arm64', 'pinned')).toThrow(
      expect.objectContaining({ code: 'docker-bundle-unknown' }),
    );
  });
});
