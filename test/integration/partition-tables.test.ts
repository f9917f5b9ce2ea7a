import { copyFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { requireBootable } from '../../src/check/boot-image.js';
import { fileReader } from '../../src/host/file-reader.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { imageSource } from '../../src/images/image-source.js';
import { openDiskImage } from '../../src/images/disk-image.js';
import { mappedRanges } from '../../src/images/used-ranges.js';
import { inspectImage } from '../../src/inspect/inspect-image.js';
import { readImageFile } from '../../src/inspect/image-files.js';
import { totalBytes } from '../../src/model/byte-range.js';
import { MiB } from '../../src/model/bytes.js';
import { injectImage } from '../../src/provision/inject-image.js';
import { reseedImage } from '../../src/provision/reseed-image.js';
import { analyseImage } from '../../src/write/analyse-image.js';
import { FAT_BYTES, FAT_OFFSET, inTools, makeSmallImage, ROOT_BYTES, ROOT_OFFSET } from '../helpers/small-image.js';

const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };
const tools = inject('toolsTree');
let folder: string;
let host: RealHost;

/** A disk whose boot partition is not the first FAT, and whose root is not the first ext4. */
type Case = {
  readonly name: string;
  readonly table: string;
  readonly root: string;
  readonly bootAt: number;
  readonly rootAt: number;
  readonly otherAt: number;
  readonly sizeBytes: number;
};

const sector = (bytes: number): number => bytes / 512;
const [OTHER_AT, BOOT_AT] = [8 * MiB, 16 * MiB];
const ROOT_AT = BOOT_AT + FAT_BYTES + MiB;
const SIZE_BYTES = ROOT_AT + ROOT_BYTES + MiB;
const PLACES = { bootAt: BOOT_AT, rootAt: ROOT_AT, otherAt: OTHER_AT, sizeBytes: SIZE_BYTES };

const CASES: readonly Case[] = [
  {
    name: 'gpt',
    table:
      'label: gpt\n' +
      `start=${sector(MiB)}, size=${sector(4 * MiB)}, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name=firmware\n` +
      `start=${sector(OTHER_AT)}, size=${sector(4 * MiB)}, type=L, name=data\n` +
      `start=${sector(BOOT_AT)}, size=${sector(FAT_BYTES)}, type=U, name=boot\n` +
      `start=${sector(ROOT_AT)}, size=${sector(ROOT_BYTES)}, type=L, name=system\n`,
    root: 'PARTLABEL=system',
    ...PLACES,
  },
  {
    name: 'logical',
    table:
      'label: dos\nlabel-id: 0x1234abcd\n' +
      `start=${sector(MiB)}, size=${sector(4 * MiB)}, type=c\n` +
      `start=${sector(6 * MiB)}, size=${sector(SIZE_BYTES - 6 * MiB)}, type=f\n` +
      `start=${sector(OTHER_AT)}, size=${sector(4 * MiB)}, type=83\n` +
      `start=${sector(BOOT_AT)}, size=${sector(FAT_BYTES)}, type=c\n` +
      `start=${sector(ROOT_AT)}, size=${sector(ROOT_BYTES)}, type=83\n`,
    root: 'PARTUUID=1234abcd-07',
    ...PLACES,
  },
  {
    name: 'label',
    table:
      'label: dos\nlabel-id: 0x1234abcd\n' +
      `start=${sector(MiB)}, size=${sector(4 * MiB)}, type=e\n` +
      `start=${sector(OTHER_AT)}, size=${sector(4 * MiB)}, type=83\n` +
      `start=${sector(BOOT_AT)}, size=${sector(FAT_BYTES)}, type=ef\n` +
      `start=${sector(ROOT_AT)}, size=${sector(ROOT_BYTES)}, type=83\n`,
    root: 'LABEL=garden-root',
    ...PLACES,
  },
];

async function tool(file: string, args: readonly string[], stdin = ''): Promise<string> {
  return inTools(tools, folder, file, args, stdin);
}

async function copyPart(from: string, to: string, [at, sizeBytes]: readonly [number, number], toAt: number) {
  const [source, target] = [await open(from, 'r'), await open(to, 'r+')];
  const bytes = Buffer.alloc(sizeBytes);
  await source.read(bytes, 0, sizeBytes, at);
  await target.write(bytes, 0, sizeBytes, toAt);
  await source.close();
  await target.close();
}

beforeAll(async () => {
  folder = await mkdtemp('/var/tmp/reswarm-tables-');
  const facts = { ...readHostFacts(process.env), cacheDir: join(folder, 'cache') };
  host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
  const { image: small } = await makeSmallImage(tools, join(folder, 'small'));
  for (const { name, table, root, bootAt, rootAt, otherAt, sizeBytes } of CASES) {
    const image = join(folder, `${name}.img`);
    await writeFile(image, '');
    await truncate(image, sizeBytes);
    await copyPart(small, image, [FAT_OFFSET, FAT_BYTES], bootAt);
    await copyPart(small, image, [ROOT_OFFSET, ROOT_BYTES], rootAt);
    await tool('mformat', ['-i', `${name}.img@@${MiB}`, '-T', '8192', '-h', '16', '-s', '32', '-v', 'DECOY', '::']);
    await tool('mke2fs', ['-q', '-t', 'ext4', '-L', 'other', '-E', `offset=${otherAt}`, `${name}.img`, '4096k']);
    await writeFile(join(folder, 'cmdline.txt'), `console=tty1 root=${root} rootwait\n`);
    await tool('mcopy', ['-o', '-i', `${name}.img@@${bootAt}`, 'cmdline.txt', '::cmdline.txt']);
    await tool('sfdisk', ['-q', '--wipe', 'never', '--wipe-partitions', 'never', `${name}.img`], table);
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Dump = {
  readonly label: string;
  readonly id: string;
  readonly partitions: readonly {
    node: string;
    start: number;
    size: number;
    type: string;
    uuid?: string;
    name?: string;
  }[];
};

async function sfdisk(image: string): Promise<Dump> {
  return (JSON.parse(await tool('sfdisk', ['-J', image])) as { partitiontable: Dump }).partitiontable;
}

async function scratch(name: string): Promise<string> {
  const path = join(folder, `scratch-${name}.img`);
  await copyFile(join(folder, `${name}.img`), path);
  return path;
}

async function textOf(image: string, path: string): Promise<string> {
  const parts: Uint8Array[] = [];
  await readImageFile(image, path, host, (bytes) => Promise.resolve(void parts.push(bytes)));
  return Buffer.concat(parts).toString();
}

describe.each(CASES)('an image with the table "$name"', ({ name, bootAt, rootAt }) => {
  it('is listed as sfdisk lists it, with the boot partition and the root that its command line means', async () => {
    const image = join(folder, `${name}.img`);
    const found = await inspectImage(image, host);
    const expected = await sfdisk(`${name}.img`);
    expect(found.partitionTable).toBe(expected.label === 'dos' ? 'mbr' : 'gpt');
    expect(found.diskId).toBe(expected.id.toLowerCase().replace(/^0x/, ''));
    expect(found.partitions.map((one) => [one.number, one.offsetBytes / 512, one.sizeBytes / 512, one.name])).toEqual(
      expected.partitions.map((one) => [Number(/\d+$/.exec(one.node)?.[0]), one.start, one.size, one.name]),
    );
    if (expected.label === 'gpt') {
      expect(found.partitions.map(({ type, partUuid }) => [type, partUuid])).toEqual(
        expected.partitions.map(({ type, uuid = '' }) => [type.toLowerCase(), uuid.toLowerCase()]),
      );
    }
    const mounts = new Map(found.partitions.map(({ mount, offsetBytes }) => [mount, offsetBytes]));
    expect([mounts.get('/boot'), mounts.get('/')]).toEqual([bootAt, rootAt]);
    expect(found.os?.id).toBe('garden');
    expect(found.warnings).toEqual([]);
  });

  it('can be booted', async () => {
    await expect(requireBootable(join(folder, `${name}.img`), host)).resolves.toBeUndefined();
  });

  it('takes a new identity where its seed is, and keeps everything else', async () => {
    const image = await scratch(name);
    const identity = { hostname: 'gate-7' };
    const options = { image, identity, projectDir: '.', sourceDateEpoch: 1_790_000_000, uniqueDisk: false };
    const before = await sfdisk(`scratch-${name}.img`);
    const given = await injectImage({ ...options, confirm: () => Promise.resolve() }, host);
    expect(given.written).toContain('user-data');
    expect(await tool('mtype', ['-i', `scratch-${name}.img@@${bootAt}`, '::user-data'])).toMatch(/gate-7/);
    expect({ ...(await sfdisk(`scratch-${name}.img`)) }).toEqual(before);
    const reseeded = await reseedImage({ ...options, confirm: () => Promise.resolve() }, host);
    expect(reseeded.card.hasBooted).toBe(false);
  });

  it('is flashed without its holes, so that every tool finds it whole', async () => {
    const [image, card] = [join(folder, `${name}.img`), join(folder, 'card.img')];
    const file = await open(image, 'r');
    const bytes = await readFile(image);
    const ranges = await mappedRanges(fileReader(file), bytes.length);
    await file.close();
    expect(totalBytes(ranges)).toBeLessThan(bytes.length / 2);
    const copy = Buffer.alloc(bytes.length, 0xa5);
    for (const { offsetBytes, sizeBytes } of ranges)
      bytes.copy(copy, offsetBytes, offsetBytes, offsetBytes + sizeBytes);
    await writeFile(card, copy);
    expect(await tool('sfdisk', ['--verify', 'card.img'])).toMatch(/No errors/);
    expect((await sfdisk('card.img')).partitions).toHaveLength((await sfdisk(`${name}.img`)).partitions.length);
    await tool('e2fsck', ['-fn', `card.img?offset=${rootAt}`]);
    expect(await textOf(card, '/etc/os-release')).toBe(await textOf(image, '/etc/os-release'));
  });

  it('gets its boot sectors last, raw and packed', async () => {
    const image = join(folder, `${name}.img`);
    const packed = join(folder, `${name}.img.gz`);
    await writeFile(packed, gzipSync(await readFile(image), { level: 1 }));
    for (const path of [image, packed]) {
      const source = await openDiskImage(path, host);
      try {
        const { plan } = await analyseImage(
          source,
          { from: imageSource(path, host), allBlocks: false, expected: [] },
          report,
        );
        expect(plan.imageSizeBytes).toBe((await stat(image)).size);
        expect(plan.bootCritical.at(-1)).toEqual({ offsetBytes: 0, sizeBytes: 4096 });
        // Records of logical partitions are found in the image itself only.
        if (path === image || name !== 'logical') {
          expect(plan.bootCritical.map(({ offsetBytes }) => offsetBytes)).toContain(bootAt);
        }
      } finally {
        await source.close();
      }
    }
  });
});

describe('a disk id of its own', () => {
  const unique = (image: string) =>
    injectImage(
      {
        image,
        identity: { hostname: 'gate-8' },
        projectDir: '.',
        sourceDateEpoch: 1_790_000_000,
        uniqueDisk: true,
        confirm: () => Promise.resolve(),
      },
      host,
    );

  it('goes into the fstab and the command line of logical partitions too', async () => {
    const image = await scratch('logical');
    const { diskId } = await unique(image);
    expect((await sfdisk('scratch-logical.img')).id).toBe(`0x${diskId}`);
    expect(await textOf(image, '/etc/fstab')).toContain(`PARTUUID=${diskId}-02 / ext4`);
    expect(await textOf(image, '/boot/cmdline.txt')).toContain(`root=PARTUUID=${diskId}-07`);
  });

  it('is refused for a GPT, and nothing is written', async () => {
    const image = await scratch('gpt');
    await expect(unique(image)).rejects.toMatchObject({ code: 'unique-disk-id-gpt' });
    expect((await readFile(image)).equals(await readFile(join(folder, 'gpt.img')))).toBe(true);
  });
});

describe('a GPT', () => {
  it('that is damaged at its beginning is read from its end, and inspect says so', async () => {
    const image = await scratch('gpt');
    const file = await open(image, 'r+');
    await file.write(Buffer.alloc(512), 0, 512, 1024);
    await file.close();
    const found = await inspectImage(image, host);
    expect(found.partitions).toHaveLength(4);
    expect(found.warnings.join()).toMatch(/primary GPT is damaged/);
  });

  it('of a drive with sectors of 4096 bytes is read', async () => {
    const image = join(folder, 'large-sectors.img');
    await writeFile(image, '');
    await truncate(image, 64 * MiB);
    await tool(
      'sfdisk',
      ['-q', '--sector-size', '4096', 'large-sectors.img'],
      'label: gpt\nstart=1024, size=1024, type=U\nstart=4096, size=4096, type=L, name=rest\n',
    );
    const found = await inspectImage(image, host);
    expect(found.sectorSizeBytes).toBe(4096);
    expect(found.partitions).toMatchObject([
      { number: 1, typeName: 'EFI System', offsetBytes: 4 * MiB, sizeBytes: 4 * MiB },
      { number: 2, name: 'rest', offsetBytes: 16 * MiB, sizeBytes: 16 * MiB },
    ]);
  });
});
