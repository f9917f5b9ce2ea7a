import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, resultOf } from '../helpers/cli.js';
import { inTools } from '../helpers/in-tools.js';

type Definition = {
  readonly deviceTrees: readonly string[];
  readonly deviceTreeCopies: Readonly<Record<string, string>>;
  readonly deviceTreeOverlays: readonly { readonly name: string }[];
  readonly firmware?: { readonly files: readonly string[] };
  readonly kernel: { readonly image: { readonly name: string } };
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-boards-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Builds a board's image and copies its /boot out of it; `boot` is that folder. */
async function build(board: string): Promise<{ image: string; boot: string; definition: Definition }> {
  const image = join(folder, `${board}.img`);
  const built = await cli(['build', '--board', board, '--yes', '--json', '--output', image]);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  const extracted = await cli(['inspect', image, '--extract', '/boot', '--to', join(folder, board), '--json']);
  expect(extracted.exitCode, extracted.stdout + extracted.stderr).toBe(0);
  const definition = resultOf(await cli(['boards', 'show', board, '--json'])) as unknown as Definition;
  return { image, boot: join(folder, board, 'boot'), definition };
}

/** A property of a node in a device tree, which is named by its label or its path. */
async function property(file: string, node: string, name: string): Promise<string> {
  const path = node.startsWith('/') ? node : (await inTools(folder, 'fdtget', [file, '/__symbols__', node])).trim();
  return (await inTools(folder, 'fdtget', ['-d', '(absent)', file, path, name])).trim();
}

describe.each(['rpizero2w', 'cm3', 'cm4', 'rpi'])('an image for %s', (board) => {
  it('has the firmware, kernel, device trees and overlays of its board', async () => {
    const { boot, definition } = await build(board);
    const present = (await readdir(boot, { recursive: true })).map((name) => name.toLowerCase());
    const wanted = [
      ...(definition.firmware?.files ?? []),
      definition.kernel.image.name,
      ...definition.deviceTrees,
      ...definition.deviceTreeOverlays.map(({ name }) => `overlays/${name}.dtbo`),
      'config.txt',
      'cmdline.txt',
      'user-data',
      'meta-data',
    ];
    expect(present).toEqual(expect.arrayContaining(wanted.map((name) => name.toLowerCase())));
    expect(await readFile(join(boot, 'config.txt'), 'utf8')).toContain(`kernel=${definition.kernel.image.name}`);
  });
});

describe('the image for all boards before the 5', () => {
  it.each(['virt', 'raspi3b'])('works on %s', async (machine) => {
    const image = join(folder, 'rpi.img');
    const checked = await cli(['boot', image, '--check', '--machine', machine, '--json', '--timeout', '3000']);
    expect(checked.exitCode, checked.stdout.slice(-4000)).toBe(0);
    expect(resultOf(checked)).toMatchObject({ machine, passed: true });
  });

  const EFFECTS: Readonly<Record<string, readonly (readonly [node: string, name: string, value: string | RegExp])[]>> =
    {
      'disable-bt': [
        ['bt', 'status', 'disabled'],
        ['uart1', 'status', 'disabled'],
        ['uart0', 'status', 'okay'],
      ],
      i2c1: [['i2c1', 'status', 'okay']],
      spi0: [['spi', 'status', 'okay']],
      'w1-gpio': [['/onewire', 'compatible', 'w1-gpio']],
    };

  it.each(Object.entries(EFFECTS))('has the overlay %s, which fits its device trees', async (overlay, effects) => {
    const boot = join(folder, 'rpi/boot');
    const trees = (await readdir(boot)).filter((name) => name.endsWith('.dtb'));
    expect(trees).toHaveLength(8);
    for (const tree of trees) {
      const args = ['-i', `rpi/boot/${tree}`, '-o', 'merged.dtb', `rpi/boot/overlays/${overlay}.dtbo`];
      const merged = await inTools(folder, 'fdtoverlay', args).then(
        () => true,
        () => false,
      );
      // The module has no Bluetooth to be disabled.
      expect(merged, `${overlay} on ${tree}`).toBe(!(overlay === 'disable-bt' && /cm3/.test(tree)));
      for (const [node, name, value] of merged ? effects : []) {
        expect(await property('merged.dtb', node, name), `${tree}: ${node}`).toBe(value);
      }
    }
  });

  it('needs no overlay for the watchdog: every device tree has it', async () => {
    for (const tree of (await readdir(join(folder, 'rpi/boot'))).filter((name) => name.endsWith('.dtb'))) {
      expect(await property(`rpi/boot/${tree}`, 'pm', 'compatible')).toMatch(/brcm,bcm2(835-pm-wdt|711-pm)/);
      expect(await property(`rpi/boot/${tree}`, 'pm', 'status')).not.toBe('disabled');
    }
  });
});
