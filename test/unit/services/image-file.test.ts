import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImagePath, descriptionPath, findCurrentImage, replaceImage } from '../../../src/services/image-file.js';

let folder: string;
let image: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-image-'));
  image = join(folder, 'a.img');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('the path of an image', () => {
  it('is fine where a file can be made or replaced', async () => {
    expect(await checkImagePath(image)).toEqual([]);
    await writeFile(image, 'old');
    expect(await checkImagePath(image)).toEqual([]);
    expect(await readFile(image, 'utf8')).toBe('old');
  });

  const refusals: [string, string, () => Promise<string>][] = [
    ['a directory', 'output-is-a-directory', () => Promise.resolve(folder)],
    ['a folder that is not there', 'output-folder-missing', () => Promise.resolve(join(folder, 'no/a.img'))],
    [
      'a device',
      'output-not-a-file',
      async () => {
        await symlink('/dev/null', join(folder, 'disk'));
        return join(folder, 'disk');
      },
    ],
    ['a file system that takes no files', 'output-not-writable', () => Promise.resolve('/proc/a.img')],
  ];

  it.each(refusals)('is refused: %s', async (_, code, path) => {
    expect((await checkImagePath(await path())).map((problem) => problem.code)).toEqual([code]);
  });
});

describe('an image that is replaced', () => {
  it('has the mode that was asked for, whatever was there before', async () => {
    await writeFile(image, 'old', { mode: 0o644 });
    await replaceImage(image, { sizeBytes: 3, mode: 0o600 }, (target) => target.write('new'));
    expect(await readFile(image, 'utf8')).toBe('new');
    expect((await stat(image)).mode & 0o777).toBe(0o600);
  });

  it('stays as it was when writing fails, and nothing else is left', async () => {
    await writeFile(image, 'old');
    const failing = replaceImage(image, { sizeBytes: 3, mode: 0o644 }, async (target) => {
      await target.write('half');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await readdir(folder)).toEqual(['a.img']);
    expect(await readFile(image, 'utf8')).toBe('old');
  });

  it('is refused before the first byte when there is no room for it', async () => {
    const huge = replaceImage(image, { sizeBytes: 2 ** 60, mode: 0o644 }, () => Promise.reject(new Error('written')));
    await expect(huge).rejects.toMatchObject({ code: 'disk-full' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('the current image', () => {
  async function write(): Promise<void> {
    await writeFile(image, 'bytes');
    const fileTime = (await stat(image)).mtime.toISOString();
    await writeFile(descriptionPath(image), JSON.stringify({ key: 'k', sha256: 's', sizeBytes: 5, fileTime }));
  }

  it('is found by its key', async () => {
    await write();
    expect(await findCurrentImage(image, 'k')).toMatchObject({ sha256: 's' });
    expect(await findCurrentImage(image, 'other')).toBeUndefined();
  });

  it('is not current any more when somebody wrote to it, or when its description is gone or broken', async () => {
    await write();
    await utimes(image, 1, 1);
    expect(await findCurrentImage(image, 'k')).toBeUndefined();
    await write();
    await writeFile(descriptionPath(image), '{');
    expect(await findCurrentImage(image, 'k')).toBeUndefined();
    await rm(descriptionPath(image));
    expect(await findCurrentImage(image, 'k')).toBeUndefined();
  });

  it('needs its file, and not a folder of that name', async () => {
    await mkdir(image);
    expect(await findCurrentImage(image, 'k')).toBeUndefined();
  });
});
