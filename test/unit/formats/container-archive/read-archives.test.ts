import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkImageArchive } from '../../../../src/formats/container-archive/read-archives.js';
import type { TarEntry } from '../../../helpers/archives.js';
import { classicImage, savedImage, tarHeader, tarOf } from '../../../helpers/archives.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-archives-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

const AT = { file: 'board.yaml', line: 3, column: 5 };
let count = 0;

async function check(bytes: Buffer, options: { needsManifest?: boolean } = {}) {
  const path = join(folder, `image-${(count += 1)}.tar`);
  await writeFile(path, bytes);
  return checkImageArchive({ path, at: AT }, { architecture: 'arm64', needsManifest: options.needsManifest ?? true });
}

function without(entries: readonly TarEntry[], path: RegExp): TarEntry[] {
  return entries.filter((entry) => !path.test(entry.path));
}

/** pax records before a member whose name is longer than ustar's. */
function withLongName(entry: TarEntry): Buffer {
  const record = ` path=${entry.path}\n`;
  const length = record.length + 3;
  const records = Buffer.from(`${length}${record}`);
  const data = Buffer.from(entry.data ?? '');
  return Buffer.concat([
    tarHeader('PaxHeaders/x', records.length, 'x'),
    records,
    Buffer.alloc(512 - records.length),
    tarHeader('cut-name', data.length),
    data,
    Buffer.alloc((512 - (data.length % 512)) % 512),
  ]);
}

describe('an archive of a container image', () => {
  it('is known by its names, plain and gzipped', async () => {
    const bytes = tarOf(savedImage({ tags: ['app:1', 'app:latest'] }));
    for (const data of [bytes, gzipSync(bytes)]) {
      expect(await check(data)).toMatchObject({
        problems: [],
        archive: { tags: ['app:1', 'app:latest'], sizeBytes: data.length },
      });
    }
  });

  it('may be an OCI layout where the engine reads those, and then has its full name', async () => {
    const bytes = tarOf(savedImage({ oci: true }));
    expect((await check(bytes, { needsManifest: false })).archive?.tags).toEqual(['docker.io/library/app:1']);
    expect((await check(bytes)).problems[0]?.code).toBe('docker-image-format');
  });

  it('may be one of before OCI, with names that need a pax header', async () => {
    const config = `${'c'.repeat(110)}.json`;
    const manifest = JSON.stringify([{ Config: config, RepoTags: ['old:1'], Layers: ['l/layer.tar'] }]);
    const bytes = Buffer.concat([
      withLongName({ path: config, data: '{"architecture":"arm64","os":"linux"}' }),
      tarOf([
        { path: 'l/layer.tar', data: Buffer.alloc(3000) },
        { path: 'manifest.json', data: manifest },
      ]),
    ]);
    expect((await check(bytes)).archive?.tags).toEqual(['old:1']);
  });

  it.each([
    ['docker of before 25', {}],
    ['crane and ko', { configName: (hex: string) => `sha256:${hex}`, layerName: `${'a'.repeat(64)}.tar.gz` }],
    ['kaniko', { configName: (hex: string) => `sha256:${hex}`, layerName: `sha256:${'b'.repeat(64)}.tar.gz` }],
    ['bazel', { configName: () => 'config', layerName: 'layer0.tar' }],
    ['tar itself, of a folder', { prefix: './' }],
  ])('may come from %s', async (_, options) => {
    const bytes = tarOf(classicImage(options));
    expect(await check(bytes)).toMatchObject({ problems: [], archive: { tags: ['app:1'], warnings: [] } });
    const other = await check(tarOf(classicImage({ ...options, architecture: 'amd64' })));
    expect(other.problems).toMatchObject([{ code: 'docker-image-architecture' }]);
  });

  it('has the sha256 of its file, whatever follows what is read', async () => {
    const bytes = tarOf(classicImage());
    for (const data of [bytes, gzipSync(bytes), Buffer.concat([gzipSync(bytes), Buffer.alloc(5_000_000)])]) {
      expect((await check(data)).archive?.sha256).toBe(createHash('sha256').update(data).digest('hex'));
    }
  });

  it('may be of 32-bit programs that the board runs, which is said', async () => {
    const { archive } = await check(tarOf(classicImage({ architecture: 'arm', variant: 'v7' })));
    expect(archive?.warnings).toMatchObject([{ code: 'docker-image-32-bit', ...AT }]);
    expect(archive?.warnings[0]?.message).toContain('linux/arm/v7');
    for (const platform of [{ architecture: '386' }, { architecture: 'arm', os: 'windows' }, { os: 'darwin' }]) {
      const refused = await check(tarOf(classicImage(platform)));
      expect(refused.problems).toMatchObject([{ code: 'docker-image-architecture' }]);
    }
  });

  it('is read without holding its layers in memory', async () => {
    const path = join(folder, 'large.tar');
    const entries = classicImage();
    const layer = 640 * 2 ** 20;
    const file = await open(path, 'w');
    const head = tarOf(entries).subarray(0, -1024);
    await file.write(Buffer.concat([head, tarHeader('huge.tar', layer)]), 0, undefined, 0);
    // A hole; the two blocks of zeros that end the archive are part of it.
    await file.truncate(head.length + 512 + layer + 1024);
    await file.close();
    const before = process.memoryUsage().rss;
    const { archive } = await checkImageArchive({ path, at: AT }, { architecture: 'arm64', needsManifest: true });
    expect(archive?.sizeBytes).toBeGreaterThan(layer);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
    await rm(path);
  }, 120_000);

  const good = savedImage();
  const bad: readonly (readonly [string, string, Buffer])[] = [
    ['another processor', 'docker-image-architecture', tarOf(savedImage({ architecture: 'amd64' }))],
    ['no name', 'docker-image-untagged', tarOf(savedImage({ tags: [] }).map(untagged))],
    ['a layer missing', 'docker-image-invalid', tarOf(without(good, /^blobs\/sha256\//))],
    ['neither list of images', 'docker-image-invalid', tarOf(without(good, /^(index|manifest)\.json$/))],
    ['a manifest that is no JSON', 'docker-image-invalid', tarOf([{ path: 'manifest.json', data: 'x' }])],
    ['some text', 'docker-image-invalid', Buffer.from('not an archive at all\n'.repeat(100))],
    ['nothing', 'docker-image-invalid', Buffer.alloc(0)],
    ['half of it', 'docker-image-truncated', tarOf(savedImage({ layer: Buffer.alloc(8192) })).subarray(0, 5000)],
    ['half of its header', 'docker-image-truncated', tarOf(good).subarray(0, 512 * 5 + 100)],
    ['a damaged header', 'docker-image-truncated', damaged(tarOf(classicImage()), 1024)],
    ['half of a gzip stream', 'docker-image-truncated', gzipSync(tarOf(good)).subarray(0, 300)],
    ['zstd', 'docker-image-compressed', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0])],
    ['xz', 'docker-image-compressed', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0])],
  ];
  it.each(bad)('is refused with %s: %s', async (_, code, bytes) => {
    const { archive, problems } = await check(bytes);
    expect(archive).toBeUndefined();
    expect(problems).toMatchObject([{ code, ...AT }]);
    expect(problems[0]?.hint).toBeTruthy();
  });

  it('is refused where it is not there, or a folder', async () => {
    const wants = { architecture: 'arm64', needsManifest: true };
    const missing = await checkImageArchive({ path: join(folder, 'none.tar'), at: AT }, wants);
    expect(missing.problems).toMatchObject([{ code: 'docker-image-not-found', ...AT }]);
    const isFolder = await checkImageArchive({ path: folder, at: {} }, wants);
    expect(isFolder.problems).toMatchObject([{ code: 'docker-image-invalid' }]);
  });
});

/** With another byte in the header that is at the offset. */
function damaged(bytes: Buffer, offset: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[offset + 3] = (copy[offset + 3] ?? 0) ^ 1;
  return copy;
}

/** As `docker save <id>` writes it. */
function untagged(entry: TarEntry): TarEntry {
  if (entry.path !== 'manifest.json') return entry;
  const [image] = JSON.parse(String(entry.data)) as Record<string, unknown>[];
  return { ...entry, data: JSON.stringify([{ ...image, RepoTags: null }]) };
}
