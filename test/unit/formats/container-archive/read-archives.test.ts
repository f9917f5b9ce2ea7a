import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkImageArchive } from '../../../../src/formats/container-archive/read-archives.js';
import type { TarEntry } from '../../../helpers/archives.js';
import { savedImage, tarHeader, tarOf } from '../../../helpers/archives.js';

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

/** As `docker save <id>` writes it. */
function untagged(entry: TarEntry): TarEntry {
  if (entry.path !== 'manifest.json') return entry;
  const [image] = JSON.parse(String(entry.data)) as Record<string, unknown>[];
  return { ...entry, data: JSON.stringify([{ ...image, RepoTags: null }]) };
}
