import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImage, type ImageOptions } from '../../../../src/config/image/read-image-spec.js';
import { configPlaces } from '../../../../src/config/places.js';
import { MiB } from '../../../../src/model/bytes.js';
import type { DebianTreeSpec, ImageSpec } from '../../../../src/model/image-spec.js';

const projectDir = fileURLToPath(new URL('../../../..', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-image-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, ...lines: string[]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

/** A house's own rpi4, which boards extend: its lines come first. */
async function writeFamily(...lines: string[]): Promise<string> {
  const text = await readFile(join(projectDir, 'boards', 'rpi4.yaml'), 'utf8');
  return write('family.yaml', ...lines, text.replace(/^id: .*$/m, 'id: family'));
}

const check = (options: ImageOptions) => checkImage(options, configPlaces(projectDir, folder));

async function image(options: Partial<ImageOptions> = {}): Promise<ImageSpec> {
  const { image: found, problems } = await check({ board: './board.yaml', ...options });
  expect(problems).toEqual([]);
  if (found === undefined) throw new Error('no image, no problem');
  return found.spec;
}

async function placed(options: Partial<ImageOptions> = {}): Promise<string[]> {
  const { problems } = await check({ board: './board.yaml', ...options });
  return problems.map(({ code, file, line, column }) => {
    return `${code} ${file?.replace(`${folder}/`, '') ?? '-'}:${line ?? '-'}:${column ?? '-'}`;
  });
}

function debian(spec: ImageSpec): DebianTreeSpec {
  const tree = spec.trees.debian;
  if (tree?.from !== 'debian') throw new Error('no Debian tree');
  return tree;
}

describe('a board over a system', () => {
  it('replaces values and adds to lists', async () => {
    await mkdir(join(folder, 'of-system'));
    await mkdir(join(folder, 'of-board'));
    await write(
      'system.yaml',
      'extends: debian',
      'id: house',
      'hostname: house',
      'description: Ours.',
      'packages: [tcpdump]',
      'overlay: [./of-system]',
    );
    await write(
      'board.yaml',
      'extends: rpi4',
      'id: kiosk',
      'hostname: kiosk',
      'rootfs: { packages: [vim], overlay: [./of-board] }',
      'docker: { source: podman }',
      'partitions: { boot: { size: 64M } }',
    );
    const spec = await image({ system: './system.yaml', packages: ['nano'], overlays: ['/typed'] });
    expect(spec).toMatchObject({ id: 'kiosk', hostname: 'kiosk', system: { id: 'house', description: 'Ours.' } });
    expect(spec.board).not.toHaveProperty('hostname');
    expect(spec.volumes.boot).toMatchObject({ sizeBytes: 64 * MiB, label: 'RESWARM' });
    const tree = debian(spec);
    expect(tree.layers.map(({ name }) => name)).toEqual(['base', 'podman']);
    expect(tree.packages).toEqual(['tcpdump', 'vim', 'nano']);
    expect(tree.overlays).toEqual([join(folder, 'of-system'), join(folder, 'of-board'), '/typed']);
  });

  it('adds partitions as a list, over those of the system and of the boards that it extends', async () => {
    await writeFamily('partitions:', '  - { name: data, role: data, size: 512M, mount: /data }');
    await write(
      'board.yaml',
      'extends: ./family.yaml',
      'id: kiosk',
      'partitionAlignment: 8M',
      'partitionTable: gpt',
      'partitions: [{ name: data, size: 1G }, { name: root, label: system }]',
    );
    const spec = await image();
    expect(spec).toMatchObject({ table: 'gpt', alignmentBytes: 8 * MiB });
    expect(spec.partitions.map(({ name, mount }) => [name, mount])).toEqual([
      ['boot', '/boot'],
      ['root', '/'],
      ['data', '/data'],
    ]);
    expect(spec.volumes).toMatchObject({ data: { sizeBytes: 1024 * MiB }, root: { label: 'system' } });
  });

  it('shows what is wrong in the file that says it', async () => {
    await writeFamily('partitions:', '  - { name: data, role: data, size: 513M }');
    await write('board.yaml', 'extends: ./family.yaml', 'id: kiosk', 'partitions: [{ name: data, mount: data }]');
    expect(await placed()).toEqual([
      'partition-mount-invalid board.yaml:3:35',
      'partition-misaligned family.yaml:2:37',
    ]);
  });

  it.each<[string, string[], string[]]>([
    ['a list over a map', ['partitions: [{ name: root, headroom: 64M }]'], ['partitions-mixed board.yaml:3:13']],
    ['a map over a list', ['partitions: { root: { headroom: 64M } }'], ['partitions-mixed board.yaml:3:13']],
  ])('is refused with both shapes of partitions: %s', async (_, lines, expected) => {
    const other = lines[0]?.includes('[') === true ? '{ root: { headroom: 64M } }' : '[{ name: root, headroom: 64M }]';
    await writeFamily(`partitions: ${other}`);
    await write('board.yaml', 'extends: ./family.yaml', 'id: kiosk', ...lines);
    expect(await placed()).toEqual(expected);
  });

  it.each<[string, string[], string[]]>([
    [
      'an alignment of the other shape',
      ['partitions: { root: { headroom: 64M } }', 'partitionAlignment: 8M'],
      ['partitions-mixed board.yaml:4:21'],
    ],
    [
      'a key in an entry that is not known',
      ['partitions: [{ name: root, headrom: 1M }]'],
      ['unknown-key board.yaml:3:28'],
    ],
    ['an entry without a name', ['partitions: [{ size: 64M }]'], ['missing-key board.yaml:3:14']],
    ['partitions that are a text', ['partitions: all'], ['wrong-type board.yaml:3:13']],
    ['an unknown engine', ['docker: { source: podmann }'], ['invalid-value board.yaml:3:19']],
    [
      'a bundle that is not used',
      [`docker: { bundle: { version: "27", sha256: ${'a'.repeat(64)} } }`],
      ['docker-bundle-unused board.yaml:3:19'],
    ],
    [
      'container images without an engine',
      ['docker: { source: none, images: [./app.tar] }'],
      ['docker-images-without-engine board.yaml:3:34'],
    ],
  ])('is refused with %s', async (_, lines, expected) => {
    await write('board.yaml', 'extends: rpi4', 'id: kiosk', ...lines);
    expect(await placed()).toEqual(expected);
  });

  it('is refused with software that its system has already', async () => {
    const software = 'software: [{ name: agent, files: [{ file: ./agent, to: /usr/bin/agent }] }]';
    await write('agent', '');
    await write('system.yaml', 'extends: debian', 'id: house', software);
    await write('board.yaml', 'extends: rpi4', 'id: kiosk', software);
    expect(await placed({ system: './system.yaml' })).toEqual(['software-twice board.yaml:3:56']);
  });

  it('pins another bundle than that of the layer', async () => {
    const bundle = `{ version: "27.0.1", sha256: ${'a'.repeat(64)} }`;
    await write('board.yaml', 'extends: rpi4', 'id: kiosk', `docker: { source: static, bundle: ${bundle} }`);
    const layer = debian(await image()).layers.find(({ engine }) => engine === 'static');
    expect(layer?.bundle).toEqual({ version: '27.0.1', sha256: 'a'.repeat(64) });
    const chosen = debian(await image({ docker: 'podman' }));
    expect(chosen.layers.find(({ engine }) => engine !== undefined)?.name).toBe('podman');
  });

  it('gets the layer that loads container images with the first of them', async () => {
    await write('board.yaml', 'extends: rpi4', 'id: kiosk');
    expect(debian(await image()).layers.map(({ name }) => name)).not.toContain('container-images');
    const tree = debian(await image({ containerImages: ['/app.tar'] }));
    expect(tree.layers.at(-1)).toMatchObject({ name: 'container-images', shapesPackages: false });
    expect(await placed({ containerImages: ['/app.tar'], docker: 'none' })).toEqual([
      'docker-images-without-engine -:-:-',
    ]);
  });

  it('says which engine of the command line was meant', async () => {
    await write('board.yaml', 'extends: rpi4', 'id: kiosk');
    const { problems } = await check({ board: './board.yaml', docker: 'podmann' });
    expect(problems).toMatchObject([{ code: 'unknown-docker-source' }]);
    expect(problems[0]?.hint).toContain('Did you mean "podman"?');
  });
});
