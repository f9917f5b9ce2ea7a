import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImage, readImageSpec } from '../../../../src/config/image/read-image-spec.js';
import { configPlaces } from '../../../../src/config/places.js';
import { newSystem } from '../../../../src/config/listing/new-system.js';
import { findSystem, listSystems, validateSystems } from '../../../../src/config/listing/systems.js';
import { MiB } from '../../../../src/model/bytes.js';

const projectDir = fileURLToPath(new URL('../../../..', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-system-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const places = () => configPlaces(projectDir, folder);

async function write(name: string, lines: readonly string[]): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

/** The image of a board with a system of one's own: a few lines over debian. */
async function check(board: string, ...lines: string[]) {
  return checkImage({ board, system: await write('mine.yaml', ['extends: debian', 'id: mine', ...lines]) }, places());
}

/** `code line:column` of each problem of the system's file. */
async function placed(board: string, ...lines: string[]): Promise<string[]> {
  const { problems } = await check(board, ...lines);
  expect(problems.map(({ file }) => file)).toEqual(problems.map(() => join(folder, 'mine.yaml')));
  return problems.map(({ code, line, column }) => `${code} ${line ?? '-'}:${column ?? '-'}`);
}

async function valid(...lines: string[]) {
  const { image, problems } = await check('rpi4', ...lines);
  expect(problems).toEqual([]);
  if (image === undefined) throw new Error('no image, no problem');
  return image.image;
}

describe('the shipped systems', () => {
  it('are valid and named as their files', async () => {
    expect((await listSystems(places())).map(({ id }) => id)).toEqual(['ab', 'debian', 'minimal', 'tiny']);
  });

  it('give every image two partitions, of which the root grows', async () => {
    const { image } = await readImageSpec({ board: 'rpi4' }, places());
    expect(image).toMatchObject({
      id: 'rpi4',
      system: { id: 'debian' },
      table: 'mbr',
      root: { kind: 'partition', partition: 'root' },
      features: ['cloud-init', 'ssh', 'containers'],
      partitions: [
        { name: 'boot', role: 'boot', mount: '/boot', grow: false, logical: false },
        { name: 'root', role: 'root', mount: '/', grow: true, logical: false },
      ],
    });
  });
});

describe('partitions of a system', () => {
  it('are merged by name, a new one is appended with the defaults of its role', async () => {
    const image = await valid(
      'partitions:',
      '  - { name: root, headroom: 64M }',
      '  - { name: data, role: data, size: 512M, mount: /data }',
    );
    expect(image.partitions.map(({ name, grow, mount }) => [name, grow, mount])).toEqual([
      ['boot', false, '/boot'],
      ['root', true, '/'],
      ['data', false, '/data'],
    ]);
    expect(image.volumes).toMatchObject({
      root: { label: 'reswarm-root', headroomBytes: 64 * MiB, tree: 'debian' },
      data: { fs: 'ext4', label: 'data', sizeBytes: 512 * MiB, headroomBytes: 0 },
    });
    expect(image.volumes.data).not.toHaveProperty('tree');
  });

  it('let another one grow than the root, which needs room then', async () => {
    const grows = '  - { name: data, role: data, mount: /data, grow: true }';
    expect(await placed('rpi4', 'partitions:', grows)).toEqual(['root-without-room 4:51']);
    const image = await valid('partitions:', grows, '  - { name: root, headroom: 64M }');
    expect(image.partitions.map(({ name, grow }) => [name, grow])).toEqual([
      ['boot', false],
      ['root', false],
      ['data', true],
    ]);
  });

  it('have content of their own from folders', async () => {
    await mkdir(join(folder, 'maps'));
    const image = await valid('partitions:', '  - { name: data, role: data, files: [./maps] }');
    expect(image.trees.data).toEqual({ from: 'files', overlays: [join(folder, 'maps')] });
    expect(image.volumes.data).toMatchObject({ tree: 'data' });
  });

  it('may be mounted below each other, in whatever order they are listed', async () => {
    await valid(
      'partitions:',
      '  - { name: deep, role: data, size: 64M, mount: /srv/a/b }',
      '  - { name: data, role: data, size: 64M, mount: /srv }',
    );
  });

  it('can be more than four with logical ones, or with GPT', async () => {
    const data = ['a', 'b', 'c'].map((name) => `  - { name: ${name}, role: data, size: 64M, logical: true }`);
    expect((await valid('partitions:', ...data)).partitions.map(({ logical }) => logical)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
    const image = await valid('table: gpt', 'partitions:', ...data.map((line) => line.replace(', logical: true', '')));
    expect(image.table).toBe('gpt');
  });
});

const DATA = (text: string) => ['partitions:', `  - { name: data, role: data, ${text} }`];

describe('a system', () => {
  it.each<[string, string[], string[]]>([
    ['an unknown key', ['engin: podman'], ['unknown-key 3:1']],
    ['an unknown engine', ['engine: podmann'], ['invalid-value 3:9']],
    ['an unknown layer', ['layers: [base, pdoman]'], ['unknown-layer 3:16']],
    ['two engines', ['layers: [base, podman]'], ['layer-engine-twice 3:10']],
    ['an unknown file system', DATA('fs: etx4'), ['invalid-value 4:35']],
    ['an unknown role', ['partitions:', '  - { name: data, role: date }'], ['invalid-value 4:25']],
    ['no boot partition', ['partitions:', '  - { name: boot, role: data }'], ['partition-role-unfilled 4:25']],
    [
      'a logical partition without room for its table',
      [
        'partitions:',
        '  - { name: a, size: 64M, start: 128M, logical: true }',
        '  - { name: b, size: 64M, start: 192M, logical: true }',
      ],
      ['partition-overlap 5:34'],
    ],
    ['two roots', ['partitions:', '  - { name: other, role: root }'], ['partition-role-twice 4:26']],
    ['a name twice', [...DATA('size: 64M'), '  - { name: data, role: data }'], ['partition-name-twice 5:13']],
    ['a name in capitals', ['partitions:', '  - { name: Data, role: data }'], ['invalid-value 4:13']],
    [
      'a boot that is not vfat',
      ['partitions:', '  - { name: boot, fs: ext4, label: B }'],
      ['boot-partition-unreadable-by-firmware 4:23'],
    ],
    [
      'a logical boot',
      ['partitions:', '  - { name: boot, logical: true }'],
      ['boot-partition-unreadable-by-firmware 4:28'],
    ],
    [
      'a mount that is taken',
      [...DATA('mount: /data'), '  - { name: other, role: data, mount: /data }'],
      ['partition-mount-twice 5:39'],
    ],
    ['a relative mount', DATA('mount: data'), ['partition-mount-invalid 4:38']],
    ['a mount with ..', DATA('mount: /data/../etc'), ['partition-mount-invalid 4:38']],
    ['a mount with a space', DATA('mount: "/my data"'), ['partition-mount-invalid 4:38']],
    ['data at /', DATA('mount: /'), ['partition-mount-invalid 4:38']],
    ['data over the system', DATA('mount: /usr'), ['partition-mount-invalid 4:38']],
    ['data below /boot', DATA('mount: /boot/data'), ['partition-mount-invalid 4:38']],
    ['a root elsewhere', ['partitions:', '  - { name: root, mount: /root }'], ['partition-mount-invalid 4:26']],
    [
      'two that grow',
      [...DATA('grow: true'), '  - { name: root, grow: true, headroom: 64M }'],
      ['partition-grow-twice 4:37'],
    ],
    [
      'a vfat that grows',
      [...DATA('fs: vfat, grow: true'), '  - { name: root, headroom: 64M }'],
      ['partition-cannot-grow 4:47'],
    ],
    ['a root that does not grow', ['partitions:', '  - { name: root, grow: false }'], ['root-without-room 4:25']],
    [
      'one that grows before a fixed one',
      ['partitions:', '  - { name: root, start: 512M }', '  - { name: data, role: data, start: 1G, size: 64M }'],
      ['partition-cannot-grow 4:26'],
    ],
    [
      'a logical one that grows before another',
      [
        ...DATA('logical: true, grow: true'),
        '  - { name: other, role: data, logical: true }',
        '  - { name: root, headroom: 64M }',
      ],
      ['partition-cannot-grow 4:52'],
    ],
    [
      'five primaries',
      ['partitions:', ...['a', 'b', 'c'].map((name) => `  - { name: ${name}, role: data }`)],
      ['partition-table-full 6:5'],
    ],
    ['a logical one in GPT', ['table: gpt', ...DATA('logical: true')], ['partition-logical-in-gpt 5:40']],
    ['a size off the alignment', DATA('size: 513M'), ['partition-misaligned 4:37']],
    ['a FAT that would be FAT16', DATA('fs: vfat, size: 16M'), ['partition-too-small 4:47']],
    ['an ext4 without a size', DATA('size: 0M'), ['partition-too-small 4:37']],
    ['a label that ext4 has no room for', DATA('label: a-label-of-17-ch.'), ['ext4-label-too-long 4:38']],
    ['a FAT label in small letters', DATA('fs: vfat, label: data'), ['invalid-value 4:48']],
    [
      'a root in vfat',
      ['partitions:', '  - { name: root, fs: vfat, label: ROOT }'],
      ['partition-cannot-grow 4:5', 'partition-file-system-unfit 4:23'],
    ],
    ['a squashfs that is written to', DATA('fs: squashfs, readOnly: false'), ['partition-file-system-unfit 4:55']],
    ['a squashfs with headroom', DATA('fs: squashfs, headroom: 8M'), ['partition-file-system-unfit 4:55']],
    ['a squashfs with a label', DATA('fs: squashfs, label: data'), ['partition-file-system-unfit 4:52']],
    [
      'a squashfs that grows',
      [...DATA('fs: squashfs, grow: true'), '  - { name: root, headroom: 64M }'],
      ['partition-cannot-grow 4:51'],
    ],
    ['content of another role', DATA('tree: debian'), ['partition-tree-unfit 4:37']],
    ['a folder that is not there', DATA('files: [./nowhere]'), ['overlay-not-found 4:39']],
    ['partitions that are no list', ['partitions: 4'], ['wrong-type 3:13']],
    ['software that is nothing', ['software: [{ name: x }]'], ['software-empty 3:12']],
  ])('refuses %s', async (_, lines, expected) => {
    expect(await placed('rpi4', ...lines)).toEqual(expected);
  });

  it('is refused with GPT by a board whose boot ROM reads MBR only', async () => {
    expect(await placed('rpi3', 'table: gpt')).toEqual(['partition-table-unreadable-by-firmware 3:8']);
    expect(await placed('rpi4', 'table: gpt')).toEqual([]);
  });

  it('is refused without a root, without a boot partition, and without any', async () => {
    const base = ['id: mine', 'description: Mine.', 'layers: [base]'];
    const codes = async (...lines: string[]) => {
      const { problems } = await checkImage({ board: 'rpi4', system: await write('own.yaml', lines) }, places());
      return problems.map(({ code, message }) => [code, message]);
    };
    expect(await codes(...base, 'partitions: [{ name: boot, role: boot }]')).toEqual([
      ['partition-role-unfilled', 'no partition has the role root'],
    ]);
    expect(await codes(...base, 'partitions: [{ name: root, role: root }]')).toEqual([
      ['partition-role-unfilled', 'no partition has the role boot'],
    ]);
    expect((await codes(...base)).map(([code]) => code)).toEqual(['system-partitions-missing']);
  });

  it('is refused with a vfat before the boot partition, which firmware would take for it', async () => {
    const file = await write('own.yaml', [
      'id: mine',
      'description: Mine.',
      'layers: [base]',
      'partitions:',
      '  - { name: data, role: data, fs: vfat }',
      '  - { name: boot, role: boot }',
      '  - { name: root, role: root }',
    ]);
    const { problems } = await checkImage({ board: 'rpi4', system: file }, places());
    expect(problems).toMatchObject([{ code: 'boot-partition-unreadable-by-firmware', line: 5, column: 35 }]);
  });

  it('says what was probably meant', async () => {
    const { problems } = await check('rpi4', 'layers: [base, ./nowhere]', 'engine: podmann');
    expect(problems.map(({ hint }) => hint)).toEqual([
      expect.stringContaining('layer.yaml') as string,
      'Did you mean "podman"?',
    ]);
    await expect(readImageSpec({ board: 'rpi4', system: 'debain' }, places())).rejects.toMatchObject({
      code: 'unknown-system',
      hints: [expect.stringContaining('"debian"'), expect.stringContaining('./debain.yaml')],
    });
  });

  it.each<[string, string[], string]>([
    ['an id that is inherited', ['extends: debian'], 'system-id-inherited'],
    ['a file that extends nothing known', ['extends: debain', 'id: mine'], 'system-extends-not-found'],
    ['a file that extends two', ['extends: [debian]', 'id: mine'], 'system-extends-invalid'],
    ['a file that extends itself', ['extends: ./own.yaml', 'id: mine'], 'system-extends-too-deep'],
    ['an empty file', ['# nothing'], 'system-empty'],
  ])('is refused as %s', async (_, lines, code) => {
    const file = await write('own.yaml', lines);
    await expect(findSystem(file, places())).rejects.toMatchObject({ code });
  });

  it('is refused when the file is not there', async () => {
    await expect(findSystem('./nowhere.yaml', places())).rejects.toMatchObject({ code: 'system-not-found' });
  });

  it('has its problems told once and all at once, from the working directory', async () => {
    await write('a.yaml', ['extends: debian', 'id: A']);
    await write('b.yaml', ['extends: debian', 'id: B']);
    await expect(validateSystems(['./a.yaml', './b.yaml', 'debian'], places())).rejects.toMatchObject({
      problems: [{ file: 'a.yaml' }, { file: 'b.yaml' }],
    });
  });
});

describe('newSystem', () => {
  const make = (id: string, from = 'debian', file?: string) =>
    newSystem(id, { from, schema: '/x/system.schema.json', ...(file === undefined ? {} : { file }) }, places());

  it('writes a definition that holds as it is, and with its comments taken in', async () => {
    const { file } = await make('recorder');
    expect((await findSystem(file, places())).image.system).toEqual({
      id: 'recorder',
      description: 'recorder, made from debian.',
    });
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replaceAll(/^# (?=( *[a-zA-Z]\w*:| +-| +#))/gm, ''));
    const { image } = await findSystem(file, places());
    expect(image.partitions.map(({ name }) => name)).toEqual(['boot', 'root', 'data']);
    expect(image.hostname).toBe('recorder');
  });

  it('finds the file that it extends from another folder', async () => {
    await make('house');
    await mkdir(join(folder, 'deep'));
    const { file } = await make('recorder', './house.yaml', 'deep/recorder.yaml');
    expect((await findSystem(file, places())).files).toHaveLength(3);
  });

  it.each([
    ['Recorder 2', 'debian', 'system-id-invalid'],
    ['debian', 'debian', 'system-exists'],
    ['recorder', 'debain', 'unknown-system'],
  ])('refuses %s from %s', async (id, from, code) => {
    await expect(make(id, from)).rejects.toMatchObject({ code });
  });

  it('leaves a file alone that is there already', async () => {
    await write('recorder.yaml', ['mine']);
    await expect(make('recorder')).rejects.toMatchObject({ code: 'system-exists' });
    expect(await readFile(join(folder, 'recorder.yaml'), 'utf8')).toBe('mine\n');
  });
});
