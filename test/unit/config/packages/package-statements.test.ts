import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImage, type ImageOptions } from '../../../../src/config/image/read-image-spec.js';
import { isPackageFile, packageFault } from '../../../../src/config/package-word.js';
import { configPlaces } from '../../../../src/config/places.js';
import type { DebianTreeSpec } from '../../../../src/model/image-spec.js';

const projectDir = fileURLToPath(new URL('../../../..', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-packages-'));
  await writeFile(join(folder, 'agent.deb'), 'agent');
  await writeFile(join(folder, 'vendor.asc'), 'key');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** The image of a board with these lines below `rootfs`, and of a system with those. */
async function check(rootfs: readonly string[], system: readonly string[] = [], flags: Partial<ImageOptions> = {}) {
  const board = ['extends: rpi4', 'id: mine', 'rootfs:', '  suite: trixie', ...rootfs.map((line) => `  ${line}`)];
  await writeFile(join(folder, 'board.yaml'), `${board.join('\n')}\n`);
  await writeFile(join(folder, 'system.yaml'), `${['extends: debian', 'id: mine', ...system].join('\n')}\n`);
  const options = { board: './board.yaml', system: './system.yaml', ...flags };
  return checkImage(options, configPlaces(projectDir, folder));
}

async function treeOf(...args: Parameters<typeof check>): Promise<DebianTreeSpec> {
  const { image, problems } = await check(...args);
  expect(problems).toEqual([]);
  const tree = image?.spec.trees['debian'];
  if (tree?.from !== 'debian') throw new Error('no Debian tree');
  return tree;
}

const VENDOR = '{ name: vendor, url: "https://example.org/apt", suite: stable, components: [main], key: ./vendor.asc }';

describe('packages of a board and its system', () => {
  it('are added up, and files are told from names', async () => {
    const tree = await treeOf(
      ['packages: [vim=2:9.1-1, ./agent.deb]', 'withoutPackages: [nano]', `repositories: [${VENDOR}]`],
      [
        'packages: [chrony, {file: agent.deb}]',
        'withoutPackages: [systemd-timesyncd]',
        'capabilities: {/usr/bin/x: cap_net_raw+ep}',
      ],
      { packages: ['cockpit/trixie-backports', '/tmp/other.deb'] },
    );
    expect(tree.packages).toEqual(['chrony', 'vim=2:9.1-1', 'cockpit/trixie-backports']);
    expect(tree.packageFiles.map(({ path }) => path)).toEqual([
      join(folder, 'agent.deb'),
      join(folder, 'agent.deb'),
      '/tmp/other.deb',
    ]);
    expect(tree.withoutPackages).toEqual(['systemd-timesyncd', 'nano']);
    expect(tree.repositories).toMatchObject([{ name: 'vendor', key: join(folder, 'vendor.asc') }]);
    expect(tree.capabilities).toEqual({ '/usr/bin/x': '0x0100000200200000000000000000000000000000' });
  });

  it.each<[string, string, string]>([
    ["apt's word for removing", 'packages: [nano-]', 'package-name-invalid 5:14'],
    ['a version that is none', 'packages: [vim, nano=x y]', 'package-name-invalid 5:19'],
    ['a release that is none', 'packages: [vim/Trixie]', 'package-name-invalid 5:14'],
    ['another architecture', 'packages: ["vim:amd64"]', 'package-name-invalid 5:14'],
    ['a file that is not there', 'packages: [./gone.deb]', 'package-file-not-found 5:14'],
    ['a digest that is none', 'packages: [{file: agent.deb, sha256: abc}]', 'invalid-value 5:40'],
    ['what the first boot needs', 'withoutPackages: [nano, cloud-init]', 'package-required 5:27'],
    ['the container engine itself', 'withoutPackages: [docker.io]', 'package-required 5:21'],
    ['a capability that is none', 'capabilities: {/usr/bin/x: cap_fly+ep}', 'capability-invalid 5:30'],
    ['a relative path', 'capabilities: {usr/bin/x: cap_net_raw+ep}', 'invalid-value 5:18'],
    ['a repository without a key', `repositories: [${VENDOR.replace(', key: ./vendor.asc', '')}]`, 'missing-key 5:18'],
    [
      'a key that is not there',
      `repositories: [${VENDOR.replace('vendor.asc', 'gone.asc')}]`,
      'repository-key-not-found 5:106',
    ],
    [
      'a suite without components',
      `repositories: [${VENDOR.replace('components: [main], ', '')}]`,
      'repository-components 5:73',
    ],
    [
      'a repository with a password',
      `repositories: [${VENDOR.replace('example', 'me:secret@example')}]`,
      'invalid-value 5:39',
    ],
    ['two repositories of one name', `repositories: [${VENDOR}, ${VENDOR}]`, 'repository-twice 5:122'],
  ])('refuse %s', async (_, line, expected) => {
    const { problems } = await check([line]);
    expect(problems.map(({ code, line: at, column }) => `${code} ${at ?? '-'}:${column ?? '-'}`)).toEqual([expected]);
  });

  it('leave ssh out of what an image can do when its server is left out', async () => {
    const { image } = await check(['withoutPackages: [openssh-server]']);
    expect(image?.spec.features).toEqual(['cloud-init', 'containers']);
  });
});

describe('a word for apt', () => {
  it.each(['vim', 'g++', 'libstdc++6', 'vim=1', 'vim=1:2.3~rc1-4+b5', 'vim/trixie-backports', 'vim/stable'])(
    '%s is one',
    (word) => {
      expect(isPackageFile(word)).toBe(false);
      expect(packageFault(word)).toBeUndefined();
    },
  );

  it('tells how a package is left out', () => {
    expect(packageFault('nano-')?.hint).toContain('withoutPackages: [nano]');
  });

  it.each(['./a.deb', '../a', '/a/b.deb', 'folder/a_1.0_arm64.deb', 'a_1.0_arm64.deb'])('%s is a file', (word) => {
    expect(isPackageFile(word)).toBe(true);
  });
});
