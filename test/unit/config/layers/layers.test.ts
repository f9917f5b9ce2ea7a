import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { layerNames, loadLayers, shippedEngines } from '../../../../src/config/layers/load-layers.js';

const layersDir = fileURLToPath(new URL('../../../../layers', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-layers-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const want = (...names: string[]) =>
  names.map((value, index) => ({ value, at: { file: join(folder, 'system.yaml'), line: 1, column: index + 1 } }));

async function write(path: string, text: string): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

describe('the shipped layers', () => {
  it('can be read, and describe themselves in one sentence', async () => {
    const { layers, problems } = await loadLayers(want(...(await layerNames(layersDir))), layersDir);
    expect(problems).toEqual([]);
    expect(layers).toHaveLength(15);
    for (const { description } of layers) expect(description).toMatch(/^[A-Za-z].*\.$/);
  });

  it('have an engine each, by the name that boards and --docker use', async () => {
    expect(Object.fromEntries(await shippedEngines(layersDir))).toEqual({
      debian: 'docker-debian',
      static: 'docker-static',
      containerd: 'containerd',
      podman: 'podman',
      none: 'no-engine',
    });
  });

  it.each([
    ['docker-debian', ['docker-config', 'containerd-config', 'containerd-package', 'docker-package', 'docker-debian']],
    ['docker-static', ['docker-config', 'containerd-config', 'docker-static']],
    ['containerd', ['containerd-config', 'containerd-package', 'containerd']],
    ['podman', ['podman']],
    ['no-engine', ['no-engine']],
  ])('%s comes after the layers that it asks for', async (name, expected) => {
    const { layers } = await loadLayers(want('base', name), layersDir);
    expect(layers.map((layer) => layer.name)).toEqual(['base', ...expected]);
  });

  it('have the units of their own that nothing else enables', async () => {
    const { layers } = await loadLayers(want('docker-static', 'container-images'), layersDir);
    expect(layers.flatMap(({ units }) => units)).toEqual([
      'containerd.service',
      'docker.service',
      'docker.socket',
      'reswarm-images.service',
    ]);
    expect(layers.flatMap(({ sysusers }) => sysusers)).toEqual(['reswarm-docker.conf']);
  });

  it('begin with their schema', async () => {
    for (const name of await layerNames(layersDir)) {
      const [first] = (await readFile(join(layersDir, name, 'layer.yaml'), 'utf8')).split('\n');
      expect(first).toBe('# yaml-language-server: $schema=../layer.schema.json');
    }
  });
});

describe('layers', () => {
  it('are in an image once, where they are asked for first', async () => {
    const { layers } = await loadLayers(want('containerd', 'docker-debian', 'containerd'), layersDir);
    expect(layers.map(({ name }) => name)).toEqual([
      'containerd-config',
      'containerd-package',
      'containerd',
      'docker-config',
      'docker-package',
      'docker-debian',
    ]);
  });

  it('of one’s own are folders, which may ask for shipped ones and for others of one’s own', async () => {
    await write('browser/layer.yaml', 'description: A browser.\nwith: [podman, ../fonts]\nunits: [browser.service]\n');
    await write('browser/files/usr/lib/systemd/system/browser.service', '[Service]\n');
    await write('fonts/layer.yaml', 'description: Fonts.\npackages: [fonts-dejavu-core]\n');
    const { layers, problems } = await loadLayers(want('./browser'), layersDir);
    expect(problems).toEqual([]);
    expect(layers.map(({ name, files }) => [name, files])).toEqual([
      ['podman', join(layersDir, 'podman', 'files')],
      ['fonts', undefined],
      ['browser', join(folder, 'browser', 'files')],
    ]);
  });

  it.each<[string, string, string]>([
    ['an unknown key', 'description: A.\npackagse: []\n', 'unknown-key 2:1'],
    ['no description', 'packages: []\n', 'missing-key 1:1'],
    ['a package in capitals', 'description: A.\npackages: [Vim]\n', 'invalid-value 2:12'],
    ['an unknown feature', 'description: A.\nfeatures: [contianers]\n', 'invalid-value 2:12'],
    ['a layer that is not known', 'description: A.\nwith: [pdoman]\n', 'unknown-layer 2:8'],
    ['itself', 'description: A.\nwith: [../mine]\n', 'layer-circle 2:8'],
    ['a unit that it does not have', 'description: A.\nunits: [a.service]\n', 'layer-unit-not-found 2:9'],
    ['users that it does not have', 'description: A.\nsysusers: [a.conf]\n', 'layer-sysusers-not-found 2:12'],
    ['broken YAML', 'description: [\n', 'yaml-syntax 2:1'],
  ])('are refused with %s', async (_, text, expected) => {
    await write('mine/layer.yaml', text);
    const { problems } = await loadLayers(want('./mine'), layersDir);
    expect(problems.map(({ code, line, column }) => `${code} ${line ?? '-'}:${column ?? '-'}`)).toEqual([expected]);
    expect(problems[0]?.file).toBe(join(folder, 'mine', 'layer.yaml'));
  });

  it('that are not there are told where they are asked for', async () => {
    const { problems } = await loadLayers(want('base', './nowhere', 'podmann'), layersDir);
    expect(problems).toMatchObject([
      { code: 'unknown-layer', file: join(folder, 'system.yaml'), column: 2 },
      { code: 'unknown-layer', hint: 'Did you mean "podman"?', column: 3 },
    ]);
  });
});
