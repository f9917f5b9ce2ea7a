import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImage, type ImageOptions } from '../../../../src/config/image/read-image-spec.js';
import { configPlaces } from '../../../../src/config/places.js';
import type { LayersRoot } from '../../../../src/model/image-spec.js';

const projectDir = fileURLToPath(new URL('../../../..', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-layered-'));
  await mkdir(join(folder, 'files/etc'), { recursive: true });
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, ...lines: string[]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

const check = (options: Partial<ImageOptions>) =>
  checkImage({ board: 'rpi4', ...options }, configPlaces(projectDir, folder));

async function chainOf(options: Partial<ImageOptions>): Promise<LayersRoot> {
  const { image, problems } = await check(options);
  expect(problems).toEqual([]);
  if (image?.spec.root.kind !== 'layers') throw new Error('the root is not made of layers');
  return image.spec.root;
}

const shape = ({ chain }: LayersRoot) =>
  chain.map(({ name, pieces, packages, overlays }) => {
    const engine = pieces.find((one) => one.engine !== undefined)?.engine;
    return [name, engine ?? '-', packages.join(' '), overlays.length];
  });

describe('a layered system', () => {
  it('has the layers of its file, and the pieces of each once', async () => {
    const root = await chainOf({ system: 'layered' });
    expect(root.chain.map(({ name }) => name)).toEqual(['base', 'docker', 'tools']);
    const pieces = root.chain.flatMap((layer) => layer.pieces.map(({ name }) => name));
    expect(new Set(pieces).size).toBe(pieces.length);
    expect(root).toMatchObject({ from: 'card', ram: false, changes: 'changes', compression: 'zstd' });
  });

  it('gets layers of a file on top, and is chosen by it', async () => {
    const file = await write('app.yaml', 'layers:', '  - { name: app, packages: [tmux], overlay: [files] }');
    expect(shape(await chainOf({ layerFiles: [file] })).at(-1)).toEqual(['app', '-', 'tmux', 1]);
  });

  it('puts what is said beside layers into one on top, and exchanges the engine where it is', async () => {
    const root = await chainOf({ system: 'layered', packages: ['tmux'], docker: 'podman' });
    expect(shape(root)).toEqual([
      ['base', '-', '', 0],
      ['docker', 'podman', '', 0],
      ['tools', '-', '', 0],
      ['extra', '-', 'tmux', 0],
    ]);
  });

  it('has no empty layer where no engine is wanted', async () => {
    expect(shape(await chainOf({ system: 'layered', docker: 'none' }))).toEqual([
      ['base', 'none', '', 0],
      ['tools', '-', '', 0],
    ]);
  });
});

describe('layers that cannot be', () => {
  it.each<[string, number, string[]]>([
    ['layer-name-invalid', 3, ['layers:', '  # the hyphen is taken', '  - { name: my-app, packages: [tmux] }']],
    ['layer-twice', 2, ['layers:', '  - { name: base, packages: [tmux] }']],
    ['layer-empty', 2, ['layers:', '  - { name: app }']],
    ['layer-engine-twice', 2, ['layers:', '  - { name: app, engine: podman }']],
    ['unknown-key', 2, ['layers:', '  - { name: a, pakages: [tmux] }']],
    ['overlay-not-found', 2, ['layers:', '  - { name: app, overlay: [nowhere] }']],
  ])('gives %s in line %d', async (code, line, lines) => {
    const file = await write('app.yaml', ...lines);
    const { problems } = await check({ layerFiles: [file] });
    expect(problems.map((one) => [one.code, one.file, one.line])).toContainEqual([code, file, line]);
  });

  it.each<[string, string[]]>([
    ['layers-mixed', ['layers: [base, { name: app, packages: [tmux] }]']],
    ['missing-key', ['layers: [{ name: app, packages: [tmux] }]']],
    ['layer-source-invalid', ['boot: { from: "https://10.0.0.1/layers" }']],
    ['layer-source-invalid', ['boot: { from: "nfs://10.0.0.1" }']],
    ['layer-source-invalid', ['boot: { from: sdcard }']],
    ['layer-changes-unfit', ['boot: { changes: elsewhere }']],
    ['layer-changes-unfit', ['boot: { changes: boot }']],
    ['system-key-unfit', ['packages: [tmux]']],
    ['invalid-value', ['compression: none']],
    ['partition-role-unfit', ['partitions: [{ name: root, role: root }]']],
  ])('gives %s for a system with %s', async (code, lines) => {
    const system = await write('own.yaml', 'extends: layered', 'id: own', ...lines);
    const { problems } = await check({ system });
    expect(problems.map((one) => one.code)).toContain(code);
  });

  it('refuses them over a system with a single root, and a file that is not there', async () => {
    const file = await write('app.yaml', 'layers:', '  - { name: app, packages: [tmux] }');
    const unfit = await check({ system: 'debian', layerFiles: [file] });
    expect(unfit.problems.map((one) => one.code)).toEqual(['layers-unfit']);
    const missing = await check({ layerFiles: [join(folder, 'nowhere.yaml')] });
    expect(missing.problems.map((one) => one.code)).toContain('layers-file-not-found');
  });
});
