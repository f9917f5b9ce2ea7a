import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listBoards } from '../../src/config/listing/boards.js';
import type { BoardTrees, SeenTree, WithoutDriver } from './board-device-trees.js';
import { notBuiltIn, treesOf, undrivenNames, unexplained, withoutDriver } from './board-device-trees.js';
import { missingTargets } from '../../src/formats/config-txt-overlays.js';
import { cli } from './cli.js';
import { suppliersThatAreOff } from './device-tree-suppliers.js';
import type { KernelDrivers } from './kernel-drivers.js';
import { kernelDrivers } from './kernel-drivers.js';

const boardsDir = join(import.meta.dirname, '../../boards');
const boards = (await listBoards({ boardsDir, cwd: boardsDir })).map(({ board }) => board);

/**
 * Switched off, although the clock controller names them: their clocks are for a display. fw_devlink does not wait for
 * a supplier that is off (drivers/of/property.c, of_link_to_phandle).
 */
const OFF = ['/soc/dsi@7e209000', '/soc/dsi@7e700000'];

/** The family's overlays that fit no device tree of a board: the Compute Module 3 has no Bluetooth (docs/boards.md). */
const UNFIT: Readonly<Record<string, readonly string[]>> = { cm3: ['disable-bt'] };

/**
 * Device trees and kernel of all boards that have this kernel package, held against each other: QEMU has none of the
 * newer machines, and a driver that is missing keeps whatever hangs on its device from starting, without a word.
 */
export function describeKernel(kernelPackage: string): void {
  const ours = boards.filter(({ kernel, deviceTrees }) => kernel.package === kernelPackage && deviceTrees.length > 0);
  let folder: string;
  let kernel: string;
  let drivers: KernelDrivers;
  let list: WithoutDriver;
  let trees: ReadonlyMap<string, BoardTrees>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reswarm-trees-'));
    kernel = join(folder, 'kernel');
    const [first] = ours;
    const built = await cli(['kernel', 'build', '--board', first?.id ?? '', '--output', kernel, '--json']);
    expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
    drivers = await kernelDrivers(join(kernel, 'Image'), join(kernel, 'modules/usr/lib/modules'));
    list = await withoutDriver();
    trees = new Map(
      await Promise.all(ours.map(async (board) => [board.id, await treesOf(board, join(kernel, 'dtbs'))] as const)),
    );
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  describe.each(ours.map(({ id }) => id))('%s', (id) => {
    const problems = (find: (tree: SeenTree) => readonly string[]) =>
      (trees.get(id)?.seen ?? []).flatMap((tree) => find(tree).map((found) => `${tree.name}: ${found}`));

    it('has a driver for every device that is switched on, or the list says why not', () => {
      expect(problems((tree) => unexplained(tree, drivers, list))).toEqual([]);
    });

    it('has built in what the root file system and the console hang on, with all suppliers', () => {
      expect(problems((tree) => notBuiltIn(tree, drivers, list))).toEqual([]);
    });

    it('needs no supplier that is switched off', () => {
      expect(problems(({ root }) => suppliersThatAreOff(root).filter((path) => !OFF.includes(path)))).toEqual([]);
    });

    it('has every overlay of the board fit one of its device trees', () => {
      const board = ours.find((one) => one.id === id);
      const applied = (trees.get(id)?.seen ?? []).flatMap(({ name }) => name.split(' with ').slice(1));
      const shipped = board?.deviceTreeOverlays.map(({ name }) => name) ?? [];
      expect(shipped.filter((name) => !applied.includes(name))).toEqual(UNFIT[id] ?? []);
    });

    it('has overlays that fit by our own check where fdtoverlay says so, and nowhere else', () => {
      const { seen, overlays } = trees.get(id) ?? { seen: [], overlays: [] };
      const plain = seen.filter(({ name }) => !name.includes(' with '));
      const fitting = plain.flatMap((tree) =>
        overlays
          .filter(({ root }) => missingTargets(root, tree.root).length === 0)
          .map(({ name }) => `${tree.name} with ${name}`),
      );
      expect(fitting.sort()).toEqual(
        seen
          .map(({ name }) => name)
          .filter((name) => name.includes(' with '))
          .sort(),
      );
    });
  });

  it('has the drivers that the list says find a device by its bus', () => {
    const undriven = new Set(
      [...trees.values()].flatMap(({ seen }) => seen).flatMap((tree) => undrivenNames(tree, drivers)),
    );
    const concerned = list.filter(({ devices }) => devices.some((device) => undriven.has(device)));
    expect(
      concerned.flatMap(({ foundBy = [] }) => foundBy).filter((name) => drivers.named(name) === undefined),
    ).toEqual([]);
  });

  it('would notice a clock controller without a driver', () => {
    const [tree] = [...trees.values()].flatMap(({ seen }) => seen);
    if (tree === undefined) throw new Error('no device tree');
    expect(notBuiltIn(tree, { ...drivers, ofCompatible: missing(drivers, CLOCKS) }, list).join('\n')).toMatch(CLOCKS);
  });

  it('starts where the firmware puts it: a gzip of the raw Image, which fits below the GPU on the smallest board', async () => {
    const image = await readFile(join(kernel, 'Image'));
    expect(gunzipSync(await readFile(join(kernel, 'Image.gz'))).equals(image)).toBe(true);
    // Documentation/arch/arm64/booting.rst: magic, load offset, size with .bss, flags (bits 1 and 2: pages of 4 KiB).
    expect(image.toString('latin1', 56, 60)).toBe('ARM\x64');
    expect(image.readBigUInt64LE(8)).toBe(0n);
    expect((image.readBigUInt64LE(24) >> 1n) & 3n).toBe(1n);
    expect(Number(image.readBigUInt64LE(16)) + KERNEL_ADDRESS + GZIP_BESIDE).toBeLessThan(SMALLEST_RAM);
  });

  it('lays its modules where the root file system has them', async () => {
    expect(await readdir(join(kernel, 'modules/usr/lib/modules'))).toHaveLength(1);
  });
}

/** The device that nearly all others have a clock from. */
const CLOCKS = /cprman|fixed-clock/;

function missing({ ofCompatible }: KernelDrivers, words: RegExp): KernelDrivers['ofCompatible'] {
  return (compatible) => (words.test(compatible) ? undefined : ofCompatible(compatible));
}

const MiB = 1024 * 1024;
/** kernel_address of a 64-bit kernel (raspberrypi/documentation, config_txt/boot.adoc). */
const KERNEL_ADDRESS = 2 * MiB;
/** The compressed kernel lies in memory beside the one that it becomes, with device tree and command line. */
const GZIP_BESIDE = 32 * MiB;
/** 512 MiB of the Zero 2 W and 3A+ less the 64 MiB that the GPU has by default (config_txt/memory.adoc). */
const SMALLEST_RAM = (512 - 64) * MiB;
