import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageDescription } from '../../src/images/image-description.js';
import type { BuiltImage } from '../../src/build/build-image.js';
import type { CliResult } from '../helpers/cli.js';
import { cli, errorCode, resultOf } from '../helpers/cli.js';

const run = promisify(execFile);

let folder: string;
let first: BuiltImage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-outputs-'));
  await writeFile(join(folder, 'notes'), 'mine\n');
  await writeFile(join(folder, 'SHA256SUMS'), (await run('sha256sum', ['notes'], { cwd: folder })).stdout);
  const built = await build('--compress', 'gz', '--url-base', 'https://example.org/images');
  expect(built.exitCode, built.stderr + built.stdout.slice(-2000)).toBe(0);
  first = imageOf(built);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function build(...more: readonly string[]): Promise<CliResult> {
  return cli(['build', '--board', 'rpi4', '--yes', '--json', '--output', join(folder, 'pi.img'), ...more]);
}

function imageOf(result: CliResult): BuiltImage {
  return resultOf(result) as unknown as BuiltImage;
}

async function json(name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(folder, name), 'utf8'));
}

async function schema(path: string): Promise<object> {
  return JSON.parse(await readFile(new URL(path, import.meta.url), 'utf8')) as object;
}

async function checkSums(): Promise<string> {
  return (await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder })).stdout;
}

const ENTRIES = ['pi.json', 'SHA256SUMS', 'pi.supportedBoards.json', 'pi.rpi-imager-manifest'];

describe('what lies beside an image', () => {
  it('is named by --json, all of it and nothing else', async () => {
    expect(first.files.map(({ name }) => name)).toEqual(['pi.img', 'pi.img.bmap', 'pi.img.gz']);
    expect(first.described).toEqual(ENTRIES);
    const names = [...first.files.map(({ name }) => name), ...first.described, 'notes'];
    expect((await readdir(folder)).sort()).toEqual(names.sort());
  });

  it('passes sha256sum, with what the list said before', async () => {
    expect(await checkSums()).toBe('notes: OK\npi.img: OK\npi.img.bmap: OK\npi.img.gz: OK\n');
  });

  it('has a description by the published schema, with every file and the packages', async () => {
    const description = (await json('pi.json')) as ImageDescription;
    const validate = new Ajv2020().compile(await schema('../../docs/schemas/image.schema.json'));
    expect(validate(description), JSON.stringify(validate.errors)).toBe(true);
    expect(description.files).toEqual(first.files);
    expect(description.packages.map(({ name }) => name)).toContain('docker.io');
    expect(new Set(description.inputs.map(({ kind }) => kind))).toEqual(
      new Set(['board', 'firmware', 'source-package', 'kernel-fragment', 'device-tree-overlay', 'overlay', 'tool']),
    );
  });

  it("has an entry that Raspberry Pi Imager's schema accepts, for the packed file", async () => {
    const list = await json('pi.rpi-imager-manifest');
    const validate = new Ajv({ strict: false }).compile(await schema('../fixtures/rpi-imager-os-list.schema.json'));
    expect(validate(list), JSON.stringify(validate.errors)).toBe(true);
    const [image, , packed] = first.files;
    expect(list).toMatchObject({
      os_list: [
        {
          url: 'https://example.org/images/pi.img.gz',
          extract_sha256: image?.sha256,
          extract_size: image?.sizeBytes,
          image_download_sha256: packed?.sha256,
        },
      ],
    });
    expect(await json('pi.supportedBoards.json')).toMatchObject({
      boards: [{ model: 'rpi4', latestImages: [{ file: 'pi.img.gz', sha256: packed?.sha256 }] }],
    });
  });

  it('stays as it is when nothing changed', async () => {
    const before = (await stat(join(folder, 'pi.json'))).mtimeMs;
    const again = imageOf(await build('--compress', 'gz', '--url-base', 'https://example.org/images'));
    expect(again).toMatchObject({ unchanged: true, files: first.files, described: ENTRIES });
    expect((await stat(join(folder, 'pi.json'))).mtimeMs).toBe(before);
  });

  it('does not outlive its image: the packed one of another image is gone', async () => {
    const other = imageOf(await build('--hostname', 'other'));
    expect(other.files.map(({ name }) => name)).toEqual(['pi.img', 'pi.img.bmap']);
    expect(other.sha256).not.toBe(first.sha256);
    expect(await readdir(folder)).not.toContain('pi.img.gz');
    expect(await checkSums()).toBe('notes: OK\npi.img: OK\npi.img.bmap: OK\n');
    expect((await stat(join(folder, 'pi.json'))).mode & 0o077).toBe(0);
  });

  it('is refused an address that nobody can fetch from', async () => {
    const refused = await build('--url-base', 'ftp://example.org');
    expect([refused.exitCode, errorCode(refused)]).toEqual([2, 'url-base-invalid']);
  });
});
