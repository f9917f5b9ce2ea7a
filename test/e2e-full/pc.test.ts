import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, errorCode, resultOf } from '../helpers/cli.js';
import { bundleOf, debianBundle } from '../helpers/debian-bundle.js';
import { serve, startServer } from '../helpers/fault-server.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-pc-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

it('an image for a virtual PC boots on q35 without being told so, and on no machine of another architecture', async () => {
  const image = join(folder, 'pc.img');
  const built = await cli(['build', '--board', 'pc-amd64', '--yes', '--json', '--output', image, '--hostname', 'pc-1']);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  const checked = await cli(['boot', image, '--check', '--json', '--timeout', '1500']);
  expect(checked.exitCode, checked.stdout.slice(-4000) + checked.stderr).toBe(0);
  expect(resultOf(checked)).toMatchObject({ machine: 'q35', passed: true });
  expect(errorCode(await cli(['boot', image, '--check', '--json', '--machine', 'virt']))).toBe(
    'machine-of-other-architecture',
  );
});

it('an image for a virtual PC starts by itself from BIOS and from UEFI, to the end of its check', async () => {
  const image = join(folder, 'firmware.img');
  const built = await cli(['build', '--board', 'pc-amd64', '--yes', '--json', '--output', image, '--hostname', 'pc-2']);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  const inspected = resultOf(await cli(['inspect', image, '--json'])) as { boot?: unknown; warnings?: unknown };
  expect(inspected).toMatchObject({ boot: { loader: { name: 'GRUB', firmwares: ['bios', 'uefi'] } }, warnings: [] });
  for (const firmware of ['bios', 'uefi']) {
    const checked = await cli(['boot', image, '--check', '--json', '--timeout', '1500', '--firmware', firmware]);
    expect(checked.exitCode, checked.stdout.slice(-4000) + checked.stderr).toBe(0);
    expect(resultOf(checked)).toMatchObject({ machine: 'q35', passed: true });
  }
  await rm(image);
});

describe.each(['none', 'containerd', 'podman', 'static'])(
  'an image for a virtual PC with the Docker source %s',
  (source) => {
    it('boots', async () => {
      const bundle = source === 'static' ? await debianBundle(folder, 'amd64') : undefined;
      await using server = await startServer((request, response) => {
        serve(readFileSync(bundle ?? ''))(request, response);
      });
      const board = join(folder, `${source}.yaml`);
      const own = bundle === undefined ? '' : await bundleOf(bundle, server.url);
      await writeFile(board, `extends: pc-amd64\nid: ${source}\nname: Test\ndocker:\n  source: ${source}\n${own}`);
      const image = join(folder, `${source}.img`);
      const built = await cli(['build', '--board', board, '--yes', '--json', '--output', image], {
        env: { no_proxy: '127.0.0.1', NO_PROXY: '127.0.0.1' },
      });
      expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
      const checked = await cli(['boot', image, '--check', '--json', '--timeout', '1500']);
      expect(checked.exitCode, checked.stdout.slice(-4000) + checked.stderr).toBe(0);
      expect(resultOf(checked)).toMatchObject({ machine: 'q35', passed: true });
      await rm(image);
    });
  },
);
