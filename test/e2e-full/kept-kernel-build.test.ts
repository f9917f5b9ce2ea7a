import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from '../helpers/cli.js';
import { withoutStages, removeStore, type PrivateStore } from '../helpers/private-store.js';

/** Options of ten places of the kernel, which a small kernel for PCs has not. */
const OPTIONS = [
  'DUMMY',
  'TUN',
  'VETH',
  'MACVLAN',
  'BRIDGE',
  'BLK_DEV_RAM',
  'FUSE_FS',
  'INPUT_UINPUT',
  'MSDOS_FS',
  'IFB',
];

let store: PrivateStore;

beforeAll(async () => {
  store = await withoutStages(['kernel']);
});
afterAll(async () => {
  await removeStore(store);
});

/** @returns sha256 of the image and of System.map, by the options that are added */
async function build(name: string, options: readonly string[]): Promise<readonly string[]> {
  const path = (file: string): string => join(store.folder, file);
  await writeFile(path(`${name}.config`), options.map((option) => `CONFIG_${option}=y\n`).join(''));
  // A profile has no fragments but those that it lists.
  const kernel = `{ profiles: { tiny: { fragments: [tiny, tiny-linux-6.12, tiny-pc, ./${name}.config] } } }`;
  await writeFile(path(`${name}.yaml`), `extends: pc-amd64\nid: ${name}\nname: X\nkernel: ${kernel}\n`);
  const output = path(`out-${name}`);
  const args = ['--board', path(`${name}.yaml`), '--profile', 'tiny', '--output', output];
  const built = await cli(['kernel', 'build', ...args], { env: store.env });
  expect(built.exitCode, built.stdout.slice(-3000) + built.stderr).toBe(0);
  return Promise.all(
    ['Image', 'System.map'].map(async (file) =>
      createHash('sha256')
        .update(await readFile(join(output, file)))
        .digest('hex'),
    ),
  );
}

it('a kernel from the objects of another configuration has the bytes of one from an empty folder', async () => {
  const without = await build('without', []);
  const withTen = await build('with-ten', OPTIONS);
  expect(withTen).not.toEqual(without);
  // As if nothing had been built before.
  await rm(join(store.root, 'kernel-builds'), { recursive: true });
  await rm(join(store.root, 'kernel'), { recursive: true });
  expect(await build('with-ten-anew', OPTIONS)).toEqual(withTen);
  await rm(join(store.root, 'kernel'), { recursive: true });
  expect(await build('without-again', [])).toEqual(without);
});
