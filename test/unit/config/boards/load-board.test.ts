import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImage } from '../../../../src/config/image/read-image-spec.js';
import { configPlaces } from '../../../../src/config/places.js';
import { MiB } from '../../../../src/model/bytes.js';

const projectDir = fileURLToPath(new URL('../../../..', import.meta.url));
const boardsDir = join(projectDir, 'boards');
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-board-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, lines: readonly string[]): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

async function checkBoard(file: string) {
  return checkImage({ board: file }, configPlaces(projectDir, folder));
}

/** Checks a board of one's own: a few lines over the shipped rpi4. */
async function check(...lines: string[]) {
  return checkBoard(await write('mine.yaml', ['extends: rpi4', 'id: mine', ...lines]));
}

async function valid(...lines: string[]) {
  const { image, problems } = await check(...lines);
  expect(problems).toEqual([]);
  if (image === undefined) throw new Error('no board, no problem');
  return { board: image.spec.board, spec: image.spec, files: image.board.files };
}

/** `code line:column` of each problem. */
async function placed(...lines: string[]): Promise<string[]> {
  const { problems } = await check(...lines);
  return problems.map(({ code, line, column }) => `${code} ${line ?? '-'}:${column ?? '-'}`);
}

describe('checkBoard', () => {
  it('gives sizes in bytes, paths as absolute ones, and defaults where the files say nothing', async () => {
    await mkdir(join(folder, 'overlay'));
    const { board, spec } = await valid(
      'partitions: { boot: { size: 64M }, root: { headroom: 1.5G } }',
      'rootfs: { overlay: [./overlay] }',
    );
    expect(spec).toMatchObject({
      hostname: 'reswarm',
      alignmentBytes: 4 * MiB,
      volumes: {
        boot: { fs: 'vfat', tree: 'boot', label: 'RESWARM', sizeBytes: 64 * MiB, headroomBytes: 8 * MiB },
        root: { fs: 'ext4', tree: 'debian', label: 'reswarm-root', sizeBytes: 'fit', headroomBytes: 1536 * MiB },
      },
      partitions: [
        { name: 'boot', startBytes: 'auto', mount: '/boot', grow: false },
        { name: 'root', startBytes: 'auto', mount: '/', grow: true },
      ],
      trees: { debian: { overlays: [join(folder, 'overlay')] } },
    });
    expect(board.kernel.fragments.map(({ name }) => name).slice(0, 5)).toEqual([
      'arm64',
      'standard',
      'linux-6.12',
      'linux-6.12-arm64',
      'base',
    ]);
    expect(board.kernel.fragments[4]).toEqual({ name: 'base', path: join(boardsDir, 'kernel', 'base.config') });
  });

  it('merges maps and replaces lists and values', async () => {
    const { board, files } = await valid('name: Mine', 'configTxt:', '  pi4: [arm_boost=1]', 'cmdline: [quiet]');
    expect(board.name).toBe('Mine');
    expect(board.soc).toBe('BCM2711');
    expect(board.configTxt.map(({ filter }) => filter)).toEqual(['all', 'pi4']);
    expect(board.configTxt[1]?.lines).toEqual(['arm_boost=1']);
    expect(board.cmdline).toEqual(['quiet']);
    expect(files).toEqual([
      join(folder, 'mine.yaml'),
      join(boardsDir, 'rpi4.yaml'),
      join(boardsDir, 'families', 'rpi-64bit.yaml'),
    ]);
  });

  it('has the profiles of what it extends beside its own, with the paths of their fragments', async () => {
    await write('own.config', ['CONFIG_FOO=y']);
    const { board } = await valid(
      'kernel:',
      '  profiles:',
      '    tiny: { image: { name: tiny.img, compression: none } }',
      '    lab: { fragments: [tiny, ./own.config] }',
    );
    const { tiny, lab } = board.kernel.profiles;
    expect(tiny?.image).toEqual({ name: 'tiny.img', compression: 'none' });
    expect(tiny?.fragments).toContainEqual({ name: 'tiny', path: join(boardsDir, 'kernel', 'tiny.config') });
    expect(lab).toEqual({
      image: board.kernel.image,
      addsToOwn: false,
      patches: [],
      fragments: [
        { name: 'tiny', path: join(boardsDir, 'kernel', 'tiny.config') },
        { name: './own.config', path: join(folder, 'own.config') },
      ],
    });
  });

  it('has the profile whose options and patches come beside those of its own kernel', async () => {
    const { board } = await valid();
    const { updates } = board.kernel.profiles;
    expect(updates).toMatchObject({ addsToOwn: true, patches: [join(boardsDir, 'kernel/patches/tryboot')] });
    expect(await placed('kernel:', '  profiles:', '    lab: { adds: [tiny], patches: [./no.patch] }')).toEqual([
      'kernel-patch-not-found 5:36',
    ]);
  });

  it('names a fragment of a profile that is not there, with its place', async () => {
    expect(await placed('kernel:', '  profiles:', '    tiny: { fragments: [tiny, tinny-pc] }')).toEqual([
      'kernel-fragment-not-found 5:31',
    ]);
    const [problem] = (await check('kernel: { profiles: { lab: { fragments: [tiny-p] } } }')).problems;
    expect(problem?.hint).toBe('Did you mean "tiny-pc"?');
  });

  it('refuses a profile without fragments, of a bad name or with a key that is not known', async () => {
    expect(await placed('kernel:', '  profiles:', '    lab: {}')).toEqual(['kernel-profile-fragments 5:10']);
    expect(await placed('kernel:', '  profiles:', '    lab: { fragments: [tiny], adds: [tiny] }')).toEqual([
      'kernel-profile-fragments 5:10',
    ]);
    expect(await placed('kernel:', '  profiles:', '    Lab: { fragments: [tiny] }')).toEqual(['invalid-value 5:5']);
    expect(await placed('kernel:', '  profiles:', '    tiny: { imgae: {} }')).toEqual(['unknown-key 5:13']);
  });

  it('looks for a fragment beside the file that names it, not beside the one that inherits it', async () => {
    await write('family/site.config', ['CONFIG_FOO=y']);
    await write('family/site.yaml', [
      'extends: rpi-64bit',
      'kernel:',
      '  fragments: [base, ./site.config, ./no.config]',
    ]);
    const family = (await readFile(join(boardsDir, 'rpi4.yaml'), 'utf8')).replace(/^extends: .*$/m, '');
    const file = await write('mine.yaml', ['extends: ./family/site.yaml', family]);
    const { problems } = await checkBoard(file);
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ['kernel-fragment-not-found', expect.stringContaining(join(folder, 'family', 'no.config'))],
    ]);
  });

  it.each<[string, string[], string[]]>([
    ['an unknown key', ['nmae: x'], ['unknown-key 3:1']],
    ['an unknown key below', ['partitions:', '  root:', '    headrom: 1M'], ['unknown-key 5:5']],
    ['a wrong type', ['rootfs:', '  packages: vim'], ['wrong-type 4:13']],
    ['a size without a unit', ['partitions:', '  boot:', '    size: "64"'], ['invalid-value 5:11']],
    ['a FAT label that is too long', ['partitions:', '  boot: { label: RESWARM-BOOT }'], ['fat-label-too-long 4:18']],
    [
      'an ext4 label that is too long',
      ['partitions:', '  root: { label: a-label-of-17-ch. }'],
      ['ext4-label-too-long 4:18'],
    ],
    ['a FAT label in small letters', ['partitions:', '  boot: { label: boot }'], ['invalid-value 4:18']],
    ['a FAT that would be FAT16', ['partitions:', '  boot: { size: 32M }'], ['partition-too-small 4:17']],
    ['a size off the alignment', ['partitions:', '  root: { size: 1026M }'], ['partition-misaligned 4:17']],
    ['an alignment of 1 MiB', ['partitions: { alignment: 1M }'], ['partition-misaligned 3:26']],
    [
      'partitions that overlap',
      ['partitions:', '  boot: { size: 64M }', '  root: { start: 64M }'],
      ['partition-overlap 5:18'],
    ],
    ['a start over the partition table', ['partitions: { boot: { start: 0M } }'], ['partition-overlap 3:30']],
    ['more than an MBR can hold', ['partitions:', '  root: { size: 3072G }'], ['partition-too-large 4:17']],
    [
      'a line that config.txt cuts off',
      ['configTxt:', `  all: ["hdmi_edid=${'x'.repeat(89)}"]`],
      ['config-txt-line-too-long 4:9'],
    ],
    ['a line that is no setting', ['configTxt:', '  all: ["[pi4]"]'], ['config-txt-line-invalid 4:9']],
    ['an unknown filter', ['configTxt:', '  pi44: [a=1]'], ['config-txt-filter-unknown 4:9']],
    ['a kernel in config.txt', ['configTxt:', '  pi4:', '    - kernel=my.img'], ['config-txt-key-derived 5:7']],
    ['a root in the command line', ['cmdline: [quiet, root=/dev/sda2]'], ['cmdline-word-derived 3:18']],
    ['two words in one', ['cmdline: ["quiet splash"]'], ['invalid-value 3:11']],
    ['a command line without end', ['cmdline:', `  - a=${'x'.repeat(1000)}`], ['cmdline-too-long 3:1']],
    ['a machine without a device tree', ['qemu: [virt, raspi3b]'], ['qemu-device-tree-missing 3:14']],
    ['a machine of another architecture', ['qemu: [virt, q35]'], ['qemu-architecture-unfit 3:14']],
    ['an unknown fragment', ['kernel:', '  fragments: [base, dokcer]'], ['kernel-fragment-not-found 4:21']],
    ['a missing patch', ['kernel:', '  patches: [./nowhere]'], ['kernel-patch-not-found 4:13']],
    ['a tarball without a digest', ['kernel:', '  source: { url: "http://localhost/l.tar" }'], ['missing-key 4:11']],
    ['a missing device tree overlay', ['deviceTreeOverlays: [i2c]'], ['device-tree-overlay-not-found 3:22']],
    [
      'an overlay that is not shipped',
      ['configTxt:', '  all: [dtoverlay=vc4-kms-v3d]'],
      ['device-tree-overlay-unknown 4:9'],
    ],
    ['firmware without a device tree', ['deviceTrees: []'], ['device-trees-missing 3:14']],
    ['a missing overlay', ['rootfs:', '  overlay: [./nowhere]'], ['overlay-not-found 4:13']],
    ['broken YAML', ['rootfs: [', 'x: y'], ['yaml-syntax 4:1']],
    ['a key that is there twice', ['name: a', 'name: b'], ['yaml-duplicate-key 4:1']],
  ])('refuses %s', async (_, lines, expected) => {
    expect(await placed(...lines)).toEqual(expected);
  });

  it('tells all problems of a file in the order of its lines', async () => {
    expect(
      await placed('nmae: x', 'partitions:', '  boot: { label: FAR-TOO-LONG }', 'rootfs: { packages: [UPPER] }'),
    ).toEqual(['unknown-key 3:1', 'fat-label-too-long 5:18', 'package-name-invalid 6:22']);
  });

  it('hints at the key that was meant', async () => {
    const { problems } = await check('nmae: x');
    expect(problems[0]?.hint).toContain('"name"');
  });

  it('shows a problem in the file that it comes from', async () => {
    const family = await write('family.yaml', ['extends: rpi-64bit', 'soc: 2711', 'cmdlien: []']);
    const { problems } = await checkBoard(
      await write('mine.yaml', ['extends: ./family.yaml', 'id: mine', 'hostname: "-"']),
    );
    const places = problems
      .filter(({ code }) => code !== 'missing-key')
      .map(({ code, file, line }) => [code, file, line]);
    expect(places).toEqual([
      ['wrong-type', family, 2],
      ['unknown-key', family, 3],
      ['invalid-value', join(folder, 'mine.yaml'), 3],
    ]);
  });

  it.each<[string, string[], string]>([
    ['an id that is inherited', ['extends: rpi4', 'name: Mine'], 'board-id-inherited'],
    ['a file that extends nothing known', ['extends: rpi9', 'id: mine'], 'board-extends-not-found'],
    ['a file that extends two', ['extends: [rpi3, rpi4]', 'id: mine'], 'board-extends-invalid'],
    ['a fourth file behind three', ['extends: ./second.yaml', 'id: mine'], 'board-extends-too-deep'],
    ['a file that extends itself', ['extends: ./mine.yaml', 'id: mine'], 'board-extends-too-deep'],
    ['an empty file', ['# nothing'], 'board-empty'],
  ])('refuses %s', async (_, lines, code) => {
    await write('second.yaml', ['extends: rpi4']);
    const { problems } = await checkBoard(await write('mine.yaml', lines));
    expect(problems.map((problem) => problem.code)).toEqual([code]);
  });

  it('refuses a file that is not there', async () => {
    const { problems } = await checkBoard(join(folder, 'nowhere.yaml'));
    expect(problems.map(({ code }) => code)).toEqual(['board-not-found']);
  });
});
