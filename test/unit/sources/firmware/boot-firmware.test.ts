import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FirmwareEntry } from '../../../../src/config/firmware-manifest.js';
import { canonicalJson } from '../../../../src/model/json.js';
import { IntegrityError, NetworkError } from '../../../../src/errors.js';
import { downloadFile } from '../../../../src/host/download.js';
import { bootFirmwareStage, type BootFirmwareInput } from '../../../../src/sources/firmware/boot-firmware.js';
import { createFakeHost } from '../../../helpers/fake-host.js';

const contents: Record<string, string> = { 'start.elf': 'start', 'fixup.dat': 'fixup', 'start4.elf': 'start four' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

let folder: string;
let out: string;
let mirror: string;
/** What the unpacked package holds. */
let inPackage: Record<string, string>;
let warnings: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boot-firmware-'));
  out = join(folder, 'out');
  mirror = join(folder, 'mirror');
  for (const name of ['out', 'work', 'mirror']) await mkdir(join(folder, name));
  inPackage = contents;
  warnings = [];
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function firmware(): FirmwareEntry {
  return {
    name: 'firmware',
    version: '1',
    files: Object.entries(contents).map(([path, text]) => ({ path, sha256: sha256(text), sizeBytes: text.length })),
    sources: [
      { debian: { package: 'raspi-firmware', path: 'usr/lib/raspi-firmware' } },
      { url: `file://${mirror}/{path}` },
    ],
    licence: { name: 'X', file: 'LICENCE.x', text: ['line one', 'line two'] },
    from: 'here',
  };
}

const deb = {
  name: 'raspi-firmware',
  version: '1-1',
  architecture: 'all',
  filename: 'pool/r.deb',
  sizeBytes: 1,
  sha256: 'ab',
  sources: 'deb http://localhost/debian trixie main\n',
};

function input(changes: Partial<BootFirmwareInput> = {}): BootFirmwareInput {
  const tools = { root: '/nowhere/tree', versions: {} };
  return { tools, firmware: firmware(), files: ['start.elf', 'fixup.dat'], deb, ...changes };
}

async function run(changes: Partial<BootFirmwareInput> = {}, offline = false) {
  const host = createFakeHost({
    run: async (command) => {
      if (!command.args.includes('dpkg-deb')) return undefined;
      const target = join(folder, 'work', 'raspi-firmware', 'usr/lib/raspi-firmware');
      await mkdir(target, { recursive: true });
      for (const [name, text] of Object.entries(inPackage)) await writeFile(join(target, name), text);
      return {};
    },
    // The package is unpacked by the fake program above.
    download: (request) =>
      request.path.endsWith('.deb')
        ? Promise.resolve()
        : downloadFile(request, { signal: new AbortController().signal, offline }),
  });
  await bootFirmwareStage.run(input(changes), out, {
    host,
    report: { step: () => undefined, progress: () => undefined, warn: (text) => warnings.push(text) },
    shared: {
      downloads: join(folder, 'downloads'),
      ccache: join(folder, 'ccache'),
      kernelBuilds: join(folder, 'kernel-builds'),
    },
    work: join(folder, 'work'),
    jobs: 1,
    offline,
  });
  return host;
}

describe('bootFirmwareStage', () => {
  it('takes what the board wants from the package, with the licence and nothing else', async () => {
    const host = await run();
    expect((await readdir(out)).sort()).toEqual(['LICENCE.x', 'fixup.dat', 'start.elf']);
    expect(await readFile(join(out, 'start.elf'), 'utf8')).toBe('start');
    expect(await readFile(join(out, 'LICENCE.x'), 'utf8')).toBe('line one\nline two\n');
    expect((await stat(join(out, 'start.elf'))).mode & 0o777).toBe(0o644);
    expect(host.commands).toEqual([
      expect.stringMatching(/dpkg-deb --extract \/srv\/raspi-firmware_1-1_all\.deb \/mnt$/),
    ]);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['wrong bytes', { ...contents, 'start.elf': 'other' }, 1],
    ['no such file', { 'fixup.dat': 'fixup' }, 0],
  ])('falls back to the URL for a file of which the package has %s', async (_what, unpacked, warned) => {
    inPackage = unpacked;
    await writeFile(join(mirror, 'start.elf'), 'start');
    await run();
    expect(await readFile(join(out, 'start.elf'), 'utf8')).toBe('start');
    expect(warnings).toHaveLength(warned);
  });

  it('does without the package when the lock has none', async () => {
    for (const [name, text] of Object.entries(contents)) await writeFile(join(mirror, name), text);
    const host = await run({ deb: undefined });
    expect(await readFile(join(out, 'fixup.dat'), 'utf8')).toBe('fixup');
    expect(host.commands).toEqual([]);
  });

  it('refuses wrong bytes of every source and names file, expected and found', async () => {
    inPackage = { ...contents, 'start.elf': 'other' };
    await writeFile(join(mirror, 'start.elf'), 'third');
    const failing = run();
    await expect(failing).rejects.toBeInstanceOf(IntegrityError);
    const error = await failing.catch((thrown: unknown) => thrown as IntegrityError);
    expect(error).toMatchObject({ code: 'digest-mismatch', message: expect.stringContaining('start.elf') as string });
    const details = (error as IntegrityError).details.join('\n');
    for (const part of [sha256('start'), sha256('other'), sha256('third'), 'raspi-firmware 1-1', mirror]) {
      expect(details).toContain(part);
    }
  });

  it('reports what cannot be had while offline', async () => {
    const sources = [{ url: 'https://example.org/{path}' }];
    const failing = run({ deb: undefined, firmware: { ...firmware(), sources } }, true);
    await expect(failing).rejects.toBeInstanceOf(NetworkError);
    await expect(failing).rejects.toMatchObject({ code: 'offline' });
  });
});

describe('check', () => {
  it('finds a file that the manifest does not pin, and the one that was meant', () => {
    expect(bootFirmwareStage.check?.(input({ files: ['start.elf', 'start4.elff'] }))).toEqual([
      {
        code: 'unknown-firmware-file',
        message: 'the boot firmware "firmware" has no file "start4.elff"',
        hint: 'Did you mean "start4.elf"?',
      },
    ]);
  });
});

describe('key', () => {
  const key = (changes: Partial<BootFirmwareInput> = {}) => canonicalJson(bootFirmwareStage.key(input(changes)));

  it('is the same wherever the bytes come from', () => {
    const elsewhere = { ...firmware(), sources: [{ url: 'https://example.org/{path}' }], from: 'there' };
    expect(key({ firmware: elsewhere, deb: undefined })).toBe(key());
    expect(key({ files: ['fixup.dat', 'start.elf'] })).toBe(key());
  });

  it('changes with the files and with their digests', () => {
    expect(key({ files: ['start.elf'] })).not.toBe(key());
    const files = firmware().files.map((file) => ({ ...file, sha256: sha256('new') }));
    expect(key({ firmware: { ...firmware(), files } })).not.toBe(key());
  });
});
