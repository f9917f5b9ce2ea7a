import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { SourceDeb } from '../../src/sources/debian/packages.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { StageContext } from '../../src/pipeline/stage.js';
import { bootFirmwareStage } from '../../src/sources/firmware/boot-firmware.js';
import { wirelessFirmwareStage } from '../../src/sources/firmware/wireless-firmware.js';

const tools = { root: inject('toolsTree'), versions: {} };
const host = new RealHost({
  facts: readHostFacts(process.env),
  signal: new AbortController().signal,
  environment: process.env,
  offline: true,
});

let folder: string;
let context: StageContext;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firmware-packages-'));
  for (const name of ['out', 'work', 'debs']) await mkdir(join(folder, name));
  context = {
    host,
    report: { step: () => undefined, progress: () => undefined, warn: () => undefined },
    shared: {
      downloads: join(folder, 'downloads'),
      ccache: join(folder, 'ccache'),
      kernelBuilds: join(folder, 'kernel-builds'),
    },
    work: join(folder, 'work'),
    jobs: 1,
    offline: true,
  };
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A real package, made by the real dpkg-deb. A value that begins with "->" becomes a symbolic link. */
async function buildDeb(name: string, content: Readonly<Record<string, string>>): Promise<SourceDeb> {
  const tree = join(folder, 'debs', name);
  const control = `Package: ${name}\nVersion: 1-1\nArchitecture: all\nMaintainer: Test <test@example.org>\nDescription: test\n`;
  const all = { ...content, [`usr/share/doc/${name}/copyright`]: `licence of ${name}`, 'DEBIAN/control': control };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    if (text.startsWith('->')) await symlink(text.slice(2), join(tree, path));
    else await writeFile(join(tree, path), text);
  }
  await host.runIn(
    { root: tools.root, mounts: [{ source: join(folder, 'debs'), target: '/mnt', writable: true }] },
    { file: 'dpkg-deb', args: ['--root-owner-group', '--build', `/mnt/${name}`, `/mnt/${name}.deb`] },
  );
  const path = join(folder, 'debs', `${name}.deb`);
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const filename = `debs/${name}.deb`;
  const sources = `deb file://${folder} trixie main\n`;
  return { name, version: '1-1', architecture: 'all', filename, sizeBytes: bytes.length, sha256, sources };
}

async function contentOf(place: string): Promise<readonly string[]> {
  const { stdout } = await host.run({ file: 'find', args: ['.', '!', '-type', 'd', '-printf', '%P\n'], cwd: place });
  return stdout.trimEnd().split('\n').sort();
}

describe('wireless firmware out of a real package', () => {
  const brcm = 'usr/lib/firmware/brcm';
  const content = {
    [`${brcm}/brcmfmac43455-sdio.bin`]: '->../cypress/cyfmac43455-sdio.bin',
    [`${brcm}/brcmfmac43455-sdio.raspberrypi,4-model-b.txt`]: 'settings of the 4B',
    [`${brcm}/brcmfmac43455-sdio.raspberrypi,4-compute-module.txt`]: '->brcmfmac43455-sdio.raspberrypi,4-model-b.txt',
    [`${brcm}/brcmfmac43455-sdio.Raspberry Pi Foundation-Raspberry Pi 4.txt`]: 'name with blanks',
    [`${brcm}/brcmfmac43430-sdio.bin`]: 'another chip',
    [`${brcm}/dangling.bin`]: '->../nowhere.bin',
    'usr/lib/firmware/cypress/cyfmac43455-sdio.bin': 'blob',
  };

  it("keeps the board's files, what links lead to, and the licence", async () => {
    const deb = await buildDeb('firmware-test', content);
    const files = ['brcm/brcmfmac43455-sdio.bin', 'brcm/brcmfmac43455-sdio.raspberrypi,4-compute-*.txt'];
    const out = join(folder, 'out');
    await wirelessFirmwareStage.run({ tools, packages: [{ deb, files }] }, out, context);
    expect(await contentOf(out)).toEqual([
      'usr/lib/firmware/brcm/brcmfmac43455-sdio.bin',
      'usr/lib/firmware/brcm/brcmfmac43455-sdio.raspberrypi,4-compute-module.txt',
      'usr/lib/firmware/brcm/brcmfmac43455-sdio.raspberrypi,4-model-b.txt',
      'usr/lib/firmware/cypress/cyfmac43455-sdio.bin',
      'usr/share/doc/firmware-test/copyright',
    ]);
    const link = join(out, brcm, 'brcmfmac43455-sdio.bin');
    expect(await readlink(link)).toBe('../cypress/cyfmac43455-sdio.bin');
    expect(await readFile(link, 'utf8')).toBe('blob');
    expect((await stat(link)).mode & 0o777).toBe(0o644);
  });

  it('takes names with blanks and files of two packages', async () => {
    const one = await buildDeb('firmware-one', content);
    const two = await buildDeb('firmware-two', { [`${brcm}/BCM4345C0.hcd`]: 'bluetooth' });
    const packages = [
      { deb: one, files: ['brcm/*Raspberry Pi Foundation*'] },
      { deb: two, files: ['brcm/BCM4345C0.hcd'] },
    ];
    await wirelessFirmwareStage.run({ tools, packages }, join(folder, 'out'), context);
    expect(await contentOf(join(folder, 'out'))).toEqual([
      'usr/lib/firmware/brcm/BCM4345C0.hcd',
      'usr/lib/firmware/brcm/brcmfmac43455-sdio.Raspberry Pi Foundation-Raspberry Pi 4.txt',
      'usr/share/doc/firmware-one/copyright',
      'usr/share/doc/firmware-two/copyright',
    ]);
  });

  it.each([
    ['a name that nothing matches', 'brcm/brcmfmac43456-sdio.bin', /brcmfmac43456-sdio\.bin/],
    ['a link that leads nowhere', 'brcm/dangling.bin', /nowhere\.bin/],
  ])('refuses %s and names it', async (_what, glob, message) => {
    const deb = await buildDeb('firmware-test', content);
    await expect(
      wirelessFirmwareStage.run({ tools, packages: [{ deb, files: [glob] }] }, join(folder, 'out'), context),
    ).rejects.toMatchObject({
      code: 'wireless-firmware-missing',
      message: expect.stringMatching(message) as string,
    });
  });
});

it('takes boot firmware out of a real package', async () => {
  const deb = await buildDeb('raspi-test', { 'usr/lib/raspi/start.elf': 'start', 'usr/lib/raspi/fixup.dat': 'fixup' });
  const sha256 = createHash('sha256').update('start').digest('hex');
  const firmware = {
    name: 'firmware',
    version: '1',
    files: [{ path: 'start.elf', sha256, sizeBytes: 5 }],
    sources: [{ debian: { package: 'raspi-test', path: 'usr/lib/raspi' } }],
    licence: { name: 'X', file: 'LICENCE', text: ['text'] },
    from: 'here',
  };
  await bootFirmwareStage.run({ tools, firmware, files: ['start.elf'], deb }, join(folder, 'out'), context);
  expect(await contentOf(join(folder, 'out'))).toEqual(['LICENCE', 'start.elf']);
  expect(await readFile(join(folder, 'out', 'start.elf'), 'utf8')).toBe('start');
});
