import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, copyFile, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { formatBmap } from '../../src/formats/bmap.js';
import { MiB } from '../../src/model/bytes.js';
import { isZero } from '../../src/model/zeros.js';
import { cli, type CliResult, errorCode } from '../helpers/cli.js';
import { IMAGE_BYTES } from '../helpers/flash-image.js';
import { attachLoopCard, type LoopCard, makeLoopCard, readCard, writeCard } from '../helpers/loop-card.js';
import { FAT_BYTES, FAT_OFFSET, inTools, makeSmallImage, ROOT_BYTES, ROOT_OFFSET } from '../helpers/small-image.js';

const CARD_BYTES = IMAGE_BYTES + 8 * MiB + 512;

let folder: string;
let original: string;
const endings: (() => void)[] = [];

beforeAll(async () => {
  folder = await mkdtemp('/var/tmp/reswarm-foreign-');
  original = (await makeSmallImage(inject('toolsTree'), join(folder, 'image'), {})).image;
});

afterAll(async () => {
  for (const end of endings.reverse()) end();
  await rm(folder, { recursive: true, force: true });
});

/** A copy of the image with bytes at places. */
async function imageWith(name: string, parts: readonly (readonly [offsetBytes: number, bytes: Uint8Array])[] = []) {
  const path = join(folder, name);
  await copyFile(original, path);
  const file = await open(path, 'r+');
  for (const [offsetBytes, bytes] of parts) await file.write(bytes, 0, bytes.length, offsetBytes);
  await file.close();
  return path;
}

/** A card that is full of old bytes. */
async function usedCard(name: string): Promise<LoopCard> {
  const card = await makeLoopCard(join(folder, name), CARD_BYTES);
  await writeCard(card.path, 0, Buffer.alloc(CARD_BYTES, 0xaa));
  endings.push(() => {
    card.detach();
  });
  return card;
}

async function flash(image: string, card: LoopCard, ...more: string[]): Promise<CliResult> {
  return cli(['flash', image, '--to', card.path, '--yes', ...more], { env: { XDG_CACHE_HOME: join(folder, 'cache') } });
}

async function sameOn(card: LoopCard, image: string, offsetBytes: number, sizeBytes: number): Promise<boolean> {
  const [found, wanted] = [
    await readCard(card.path, offsetBytes, sizeBytes),
    await readCard(image, offsetBytes, sizeBytes),
  ];
  return found.equals(wanted);
}

describe('an image of another maker', () => {
  it('keeps what is in no partition: boot loaders before the first, data behind the last', async () => {
    const text = Buffer.from('a boot loader that no partition holds');
    const image = await imageWith('gap.img', [
      [8196, text],
      [544 * 1024, text],
      [IMAGE_BYTES + MiB, text],
    ]);
    const card = await usedCard('gap.card');
    expect((await flash(image, card)).exitCode).toBe(0);
    expect(await sameOn(card, image, 0, FAT_OFFSET)).toBe(true);
    expect(await sameOn(card, image, IMAGE_BYTES, MiB + text.length)).toBe(true);
  });

  it('with something behind its file system, as the hashes of dm-verity, keeps all of that partition', async () => {
    const image = await imageWith('verity.img');
    await inTools(inject('toolsTree'), folder, 'mke2fs', [
      ...['-q', '-t', 'ext4', '-F', '-E', `offset=${ROOT_OFFSET}`],
      ...['verity.img', `${(ROOT_BYTES - 4 * MiB) / 1024}k`],
    ]);
    const file = await open(image, 'r+');
    await file.write(Buffer.alloc(MiB, 'hash'), 0, MiB, ROOT_OFFSET + ROOT_BYTES - 4 * MiB);
    await file.close();
    const card = await usedCard('verity.card');
    expect((await flash(image, card)).exitCode).toBe(0);
    expect(await sameOn(card, image, ROOT_OFFSET, ROOT_BYTES)).toBe(true);
  });

  it('with a block map that leaves out zeros of the FAT has these zeros on the card', async () => {
    const image = await imageWith('holes.img');
    const [first, last] = [FAT_OFFSET / 4096, FAT_OFFSET / 4096 + 1];
    const digest = createHash('sha256')
      .update(await readCard(image, FAT_OFFSET, 8192))
      .digest('hex');
    const map = formatBmap({
      imageSizeBytes: (await readFile(image)).length,
      blockSizeBytes: 4096,
      ranges: [{ firstBlock: first, lastBlock: last, digest }],
    });
    const foreign = map.replace(/<!--.*-->\n/, '').replace(/(<BmapFileChecksum> )\w+/, `$1${'0'.repeat(64)}`);
    const own = createHash('sha256').update(foreign).digest('hex');
    await writeFile(`${image}.bmap`, foreign.replace('0'.repeat(64), own));
    for (const packed of [false, true]) {
      if (packed) execFileSync('gzip', ['-1', '--keep', image]);
      const card = await usedCard(`holes-${packed}.card`);
      expect((await flash(packed ? `${image}.gz` : image, card)).exitCode).toBe(0);
      const fat = join(folder, 'fat.img');
      await writeFile(fat, await readCard(card.path, FAT_OFFSET, FAT_BYTES));
      await inTools(inject('toolsTree'), folder, 'fsck.fat', ['-n', 'fat.img']);
    }
  });

  it.each([
    [
      'gzip with metadata behind it',
      'x.gz',
      async (path: string) => {
        execFileSync('gzip', ['-1', '--keep', path]);
        await appendFile(`${path}.gz`, '\0\0\0\0{ "metadata_version": "1.1" }\nFWx0');
        return `${path}.gz`;
      },
    ],
    [
      'zstd that begins with a skippable frame',
      'x.zst',
      async (path: string) => {
        const frame = Buffer.from('502a4d180400000061626364', 'hex');
        const packed = execFileSync('zstd', ['-1', '--quiet', '--stdout', path], { maxBuffer: 256 * MiB });
        await writeFile(`${path}.zst`, Buffer.concat([frame, packed]));
        return `${path}.zst`;
      },
    ],
    [
      'bzip2',
      'x.bz2',
      (path: string) => {
        execFileSync('bzip2', ['-1', '--keep', path]);
        return Promise.resolve(`${path}.bz2`);
      },
    ],
    [
      'lzma',
      'x.lzma',
      (path: string) => {
        execFileSync('xz', ['--format=lzma', '-0', '--keep', path]);
        return Promise.resolve(`${path}.lzma`);
      },
    ],
  ] as const)('is unpacked from %s', async (_, name, pack) => {
    const packed = await pack(await imageWith(`${name}.img`));
    const card = await usedCard(`${name}.card`);
    expect((await flash(packed, card)).exitCode).toBe(0);
    expect(await sameOn(card, original, 0, 2 * MiB)).toBe(true);
  });
});

describe('a card that was used before', () => {
  it('has no signature left but those of the image: not in partitions, not at the end of an odd size', async () => {
    const card = await usedCard('signed.card');
    await writeCard(card.path, ROOT_OFFSET + 64 * 1024 + 0x40, Buffer.from('_BHRfS_M'));
    await writeCard(card.path, CARD_BYTES - 512, Buffer.from('EFI PART'));
    // Uberblocks of ZFS in its four labels.
    const uberblock = Buffer.alloc(32);
    for (const [index, word] of [0x00bab10c, 5000, 7, 100].entries())
      uberblock.writeBigUInt64LE(BigInt(word), index * 8);
    for (const label of [0, 256, ROOT_BYTES / 1024 - 512, ROOT_BYTES / 1024 - 256]) {
      for (let block = 0; block < 16; block += 1) {
        await writeCard(card.path, ROOT_OFFSET + (label + 128 + block) * 1024, uberblock);
      }
    }
    expect((await flash(original, card)).exitCode).toBe(0);
    const root = join(folder, 'root.part');
    await writeFile(root, await readCard(card.path, ROOT_OFFSET, ROOT_BYTES));
    const signatures = execFileSync('wipefs', ['--noheadings', '--output', 'TYPE', root], { encoding: 'utf8' });
    expect(signatures.trim().split(/\s+/)).toEqual(['ext4']);
    expect(
      execFileSync('blkid', ['--probe', '--output', 'value', '--match-tag', 'TYPE', root], { encoding: 'utf8' }),
    ).toBe('ext4\n');
    const drive = execFileSync('wipefs', ['--noheadings', '--output', 'TYPE', card.file], { encoding: 'utf8' });
    expect(drive.trim().split(/\s+/)).toEqual(['dos']);
    expect(isZero(await readCard(card.path, CARD_BYTES - 512 * 1024, 512 * 1024))).toBe(true);
  });

  it('is refused while a loop device on it is mounted', async () => {
    const card = await usedCard('loop.card');
    const above = attachLoopCard(card.path);
    endings.push(() => {
      above.detach();
    });
    execFileSync('mke2fs', ['-q', '-F', above.path]);
    const mount = join(folder, 'mnt');
    await mkdir(mount);
    execFileSync('mount', [above.path, mount]);
    try {
      const result = await flash(original, card, '--json');
      expect(result.exitCode).toBe(1);
      expect(errorCode(result)).toBe('device-refused');
      expect(result.stdout).toContain('in-use');
      expect(result.stdout).toContain(above.path.slice('/dev/'.length));
    } finally {
      execFileSync('umount', [mount]);
    }
  });
});

it('goes on when what it prints cannot be written, and says so in one line', async () => {
  const card = await usedCard('full.card');
  const run = join(import.meta.dirname, '../../bin/run.js');
  const script = `"${process.execPath}" "${run}" flash "${original}" --to ${card.path} --yes >/dev/full`;
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
  const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', env });
  expect(status).toBe(1);
  expect(stderr).toContain('[output-lost]');
  expect(stderr).not.toContain('    at ');
  expect(await sameOn(card, original, 0, FAT_OFFSET + 4096)).toBe(true);
});
