import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkImage } from '../../../../src/config/image/read-image-spec.js';
import { configPlaces } from '../../../../src/config/places.js';

const root = join(import.meta.dirname, '../../../..');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-small-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function check(system: string, board = 'rpi4', flags = {}) {
  return checkImage({ board, system, ...flags }, configPlaces(root, folder));
}

async function systemOf(text: string): Promise<string> {
  const file = join(folder, 'own.yaml');
  await writeFile(file, text);
  return file;
}

const codes = (problems: readonly { readonly code: string; readonly line?: number }[]) =>
  problems.map(({ code, line }) => [code, line]);

describe('a system whose root is an archive', () => {
  it.each(['tiny', 'minimal'])('%s has one partition and its own kernel', async (name) => {
    const { image, problems } = await check(name);
    expect(problems).toEqual([]);
    expect(image?.spec).toMatchObject({
      kernelProfiles: name === 'minimal' ? ['minimal', 'tiny'] : ['tiny'],
      root: { kind: 'initramfs', tree: 'root' },
    });
    expect(image?.spec.partitions.map(({ role }) => role)).toEqual(['boot']);
  });

  it('has its own keys, and the server’s layer where there is a server', async () => {
    const text = 'extends: tiny\nid: own\nssh: dropbear\nfilesystem: squashfs\ncompression: xz\nsizeBudget: 4M\n';
    const { image } = await check(await systemOf(text));
    expect(image?.spec.root).toEqual({
      kind: 'initramfs',
      tree: 'root',
      filesystem: 'squashfs',
      compression: 'xz',
      sizeBudgetBytes: 4 * 2 ** 20,
    });
    const tree = image?.spec.trees['root'];
    expect(tree?.from === 'busybox' && tree.layers.map(({ name }) => name)).toEqual(['tiny', 'tiny-dropbear']);
    expect(image?.spec.features).toContain('ssh');
  });

  it('refuses keys of another userland, each at its line', async () => {
    const { problems } = await check(await systemOf('extends: tiny\nid: own\npackages: [vim]\nengine: podman\n'));
    expect(codes(problems)).toEqual([
      ['system-key-unfit', 3],
      ['system-key-unfit', 4],
    ]);
    const { problems: ofDebian } = await check(await systemOf('extends: debian\nid: own\nfilesystem: squashfs\n'));
    expect(codes(ofDebian)).toEqual([['system-key-unfit', 3]]);
  });

  it('refuses other partitions', async () => {
    const text = 'extends: tiny\nid: own\npartitions:\n  - { name: data, size: 64M, mount: /data }\n';
    expect(codes((await check(await systemOf(text))).problems)).toEqual([['partition-role-unfit', 4]]);
  });

  it.each([
    ['packages', { packages: ['vim'] }],
    ['an engine', { docker: 'podman' }],
    ['container images', { containerImages: ['/app.tar'] }],
  ])('refuses %s of the command line', async (_, flags) => {
    expect((await check('tiny', 'rpi4', flags)).problems.map(({ code }) => code)).toEqual(['userland-unfit']);
  });

  it('refuses packages and engines of a board', async () => {
    const board = join(folder, 'board.yaml');
    await writeFile(
      board,
      'extends: rpi4\nid: own\nname: Own\nrootfs: { packages: [vim] }\ndocker: { source: podman }\n',
    );
    const { problems } = await check('tiny', board);
    expect(problems.map(({ message }) => message.replace(/.*cannot have /, '')).sort()).toEqual([
      'Debian packages',
      'a container engine',
    ]);
  });

  it('still wants the layers of a Debian', async () => {
    const text = 'id: own\ndescription: None.\npartitions:\n  - { name: boot }\n  - { name: root }\n';
    expect((await check(await systemOf(text))).problems.map(({ code }) => code)).toContain('missing-key');
  });
});
