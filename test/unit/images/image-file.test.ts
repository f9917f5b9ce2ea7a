import type { FileHandle } from 'node:fs/promises';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  blockMapPath,
  checkImagePath,
  descriptionPath,
  findCurrentImage,
  stageImage,
} from '../../../src/images/image-file.js';
import { withStagedFiles } from '../../../src/images/staged-files.js';
import { DIGEST, KEY, exampleDescription } from '../../helpers/example-description.js';

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

  it('may be a link: what it leads to is written, and it stays', async () => {
    await mkdir(join(folder, 'disk'));
    for (const [name, target] of [
      ['there.img', 'disk/there.img'],
      ['not-yet.img', join(folder, 'disk/not-yet.img')],
    ] as const) {
      if (name === 'there.img') await writeFile(join(folder, target), 'old');
      const link = join(folder, name);
      await symlink(target, link);
      expect(await checkImagePath(link)).toEqual([]);
      await withStagedFiles(async (staged) => {
        await stageImage(staged, link, { sizeBytes: 3, mode: 0o644 }, (file) => file.writeFile('new'));
        expect(await readFile(staged.placeOf(link), 'utf8')).toBe('new');
        await staged.commit();
      });
      expect(await readlink(link)).toBe(target);
      expect(await readFile(join(folder, 'disk', name), 'utf8')).toBe('new');
    }
    expect((await readdir(join(folder, 'disk'))).sort()).toEqual(['not-yet.img', 'there.img']);
  });

  it('is refused where a link leads to itself, or to a folder that is not there', async () => {
    await symlink('a.img', image);
    await expect(checkImagePath(image)).rejects.toMatchObject({ code: 'link-circle' });
    await symlink('gone/b.img', join(folder, 'b.img'));
    expect((await checkImagePath(join(folder, 'b.img')))[0]?.code).toBe('output-folder-missing');
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

async function replace(mode: number, write: (target: FileHandle) => Promise<unknown>, sizeBytes = 3): Promise<void> {
  await withStagedFiles(async (staged) => {
    await stageImage(staged, image, { sizeBytes, mode }, write);
    await staged.commit();
  });
}

describe('an image that is replaced', () => {
  it('has the mode that was asked for, whatever was there before', async () => {
    await writeFile(image, 'old', { mode: 0o644 });
    await replace(0o600, (target) => target.write('new'));
    expect(await readFile(image, 'utf8')).toBe('new');
    expect((await stat(image)).mode & 0o777).toBe(0o600);
  });

  it('stays as it was when writing fails, and nothing else is left', async () => {
    await writeFile(image, 'old');
    const failing = replace(0o644, async (target) => {
      await target.write('half');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await readdir(folder)).toEqual(['a.img']);
    expect(await readFile(image, 'utf8')).toBe('old');
  });

  it('is refused before the first byte when there is no room for it', async () => {
    const huge = replace(0o644, () => Promise.reject(new Error('written')), 2 ** 60);
    await expect(huge).rejects.toMatchObject({ code: 'disk-full' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes its place together with what lies beside it, or none of them does', async () => {
    const all = withStagedFiles(async (staged) => {
      await stageImage(staged, image, { sizeBytes: 3, mode: 0o644 }, (target) => target.write('new'));
      await staged.writeText(blockMapPath(image), 0o644, 'map');
      expect(await readFile(staged.placeOf(image), 'utf8')).toBe('new');
      expect(staged.placeOf(descriptionPath(image))).toBe(descriptionPath(image));
      throw new Error('interrupted');
    });
    await expect(all).rejects.toThrow('interrupted');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('the current image', () => {
  async function write(): Promise<void> {
    await writeFile(image, 'bytes');
    const fileTimes = { 'a.img': (await stat(image)).mtime.toISOString() };
    await writeFile(
      descriptionPath(image),
      JSON.stringify(exampleDescription({ name: 'a.img', sizeBytes: 5, fileTimes })),
    );
  }

  it('is found by its key', async () => {
    await write();
    expect(await findCurrentImage(image, KEY)).toMatchObject({ sha256: DIGEST });
    expect(await findCurrentImage(image, DIGEST)).toBeUndefined();
  });

  it('is not current any more when somebody wrote to it, or when its description is gone or broken', async () => {
    await write();
    await utimes(image, 1, 1);
    expect(await findCurrentImage(image, KEY)).toBeUndefined();
    await write();
    await writeFile(descriptionPath(image), '{');
    expect(await findCurrentImage(image, KEY)).toBeUndefined();
    await writeFile(descriptionPath(image), JSON.stringify({ key: KEY }));
    expect(await findCurrentImage(image, KEY)).toBeUndefined();
    await rm(descriptionPath(image));
    expect(await findCurrentImage(image, KEY)).toBeUndefined();
  });

  it('needs its file, and not a folder of that name', async () => {
    await write();
    await rm(image);
    await mkdir(image);
    expect(await findCurrentImage(image, KEY)).toBeUndefined();
  });
});

it('refuses a folder where a file beside the image is to lie', async () => {
  await mkdir(blockMapPath(image));
  expect((await checkImagePath(image)).map(({ code }) => code)).toEqual(['output-is-a-directory']);
});
