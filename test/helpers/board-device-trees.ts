import { copyFile, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import * as z from 'zod';
import type { DeviceTreeNode } from '../../src/formats/device-tree.js';
import { readDeviceTree } from '../../src/formats/device-tree.js';
import type { Board } from '../../src/model/board.js';
import { inTools } from './in-tools.js';
import type { Device } from './device-tree-suppliers.js';
import { consoleOf, devicesOf } from './device-tree-suppliers.js';
import type { KernelDrivers } from './kernel-drivers.js';

const LIST = join(import.meta.dirname, '../../boards/hardware/without-driver.yaml');

const groupsSchema = z.array(
  z.strictObject({
    why: z.string().min(20),
    devices: z.array(z.string()).min(1),
    foundBy: z.array(z.string()).optional(),
    options: z.array(z.string().regex(/^[A-Z0-9_]+$/)).optional(),
    debian: z.string().optional(),
  }),
);

export type WithoutDriver = z.infer<typeof groupsSchema>;

/** boards/hardware/without-driver.yaml: what no driver answers to, and why. */
export async function withoutDriver(): Promise<WithoutDriver> {
  return groupsSchema.parse(load(await readFile(LIST, 'utf8')));
}

/** Where a root file system may be: SD card or eMMC, USB, and PCIe with NVMe or a USB controller behind it. */
const ROOTS = new Set([
  'brcm,bcm2835-sdhost',
  'brcm,bcm2711-emmc2',
  'brcm,bcm2712-sdhci',
  'brcm,bcm2835-usb',
  'snps,dwc3',
  'brcm,bcm2711-pcie',
  'brcm,bcm2712-pcie',
]);

/** A device tree of a board, as Linux gets it: alone, or `NAME.dtb with OVERLAY`. */
export type SeenTree = { readonly name: string; readonly root: DeviceTreeNode };

export type BoardTrees = {
  readonly seen: readonly SeenTree[];
  /** The board's overlays, compiled. */
  readonly overlays: readonly SeenTree[];
};

/** Lays every overlay over every device tree, in the folder where it runs. Not every overlay fits every tree. */
const APPLY = `for overlay in *.dtso; do
  dtc -@ -q -I dts -O dtb -o "$overlay.dtbo" "$overlay"
  for tree in *.dtb; do fdtoverlay -i "$tree" -o "$tree with $overlay" "$overlay.dtbo" 2>/dev/null || true; done
done`;

/**
 * The device trees of a board, each alone and each with every overlay of the board that fits; `dtbs` is the kernel's
 * folder of device trees. An overlay whose labels a tree does not have is left out for it, as the firmware does.
 */
export async function treesOf(board: Board, dtbs: string): Promise<BoardTrees> {
  const folder = await mkdtemp(join(tmpdir(), 'reswarm-trees-'));
  try {
    for (const name of [...board.deviceTrees, ...Object.values(board.deviceTreeCopies)]) {
      await copyFile(join(dtbs, name), join(folder, name));
    }
    for (const { name, path } of board.deviceTreeOverlays) await copyFile(path, join(folder, `${name}.dtso`));
    if (board.deviceTreeOverlays.length > 0) await inTools(folder, 'sh', ['-ec', APPLY]);
    const all = async (ending: RegExp): Promise<SeenTree[]> =>
      Promise.all(
        (await readdir(folder))
          .filter((name) => ending.test(name))
          .map(async (name) => ({
            name: name.replace(/\.dtso(\.dtbo)?$/, ''),
            root: await treeAt(join(folder, name)),
          })),
      );
    return { seen: await all(/\.dtb( with .*)?$/), overlays: await all(/\.dtbo$/) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function treeAt(path: string): Promise<DeviceTreeNode> {
  const root = readDeviceTree(await readFile(path));
  if (root === undefined) throw new Error(`${path} is no device tree`);
  return root;
}

/** Devices that no driver answers to and no group of the list names: `path (compatible)`. */
export function unexplained({ root }: SeenTree, drivers: KernelDrivers, list: WithoutDriver): readonly string[] {
  const named = new Set(list.flatMap(({ devices }) => devices));
  return undriven(root, drivers)
    .filter(({ compatible }) => !named.has(compatible[0] ?? ''))
    .map(describeDevice);
}

/** The first words of `compatible` of all devices that no driver answers to. */
export function undrivenNames({ root }: SeenTree, drivers: KernelDrivers): readonly string[] {
  return undriven(root, drivers).map(({ compatible }) => compatible[0] ?? '');
}

/** What stands between power-on and the root file system or the console and is no part of the kernel itself. */
export function notBuiltIn({ root }: SeenTree, drivers: KernelDrivers, list: WithoutDriver): readonly string[] {
  const devices = new Map(devicesOf(root).map((device) => [device.path, device]));
  const console = consoleOf(root);
  const first = [...devices.values()].filter(
    ({ path, compatible }) => path === console || compatible.some((word) => ROOTS.has(word)),
  );
  return [...closure(first, devices)].filter((device) => !isBuiltIn(device, drivers, list)).map(describeDevice);
}

function undriven(root: DeviceTreeNode, drivers: KernelDrivers): Device[] {
  return devicesOf(root).filter(({ compatible }) =>
    compatible.every((word) => drivers.ofCompatible(word) === undefined),
  );
}

function isBuiltIn({ compatible }: Device, drivers: KernelDrivers, list: WithoutDriver): boolean {
  if (compatible.some((word) => drivers.ofCompatible(word) === 'built in')) return true;
  const group = list.find(({ devices }) => devices.includes(compatible[0] ?? ''));
  return group?.foundBy?.every((driver) => drivers.named(driver) === 'built in') ?? false;
}

/** The devices, their suppliers, the suppliers of those, and so on. */
function closure(first: readonly Device[], devices: ReadonlyMap<string, Device>): ReadonlySet<Device> {
  const all = new Set<Device>();
  const add = (device: Device): void => {
    if (all.has(device)) return;
    all.add(device);
    for (const path of device.suppliers) {
      const supplier = devices.get(path);
      if (supplier !== undefined) add(supplier);
    }
  };
  for (const device of first) add(device);
  return all;
}

function describeDevice({ path, compatible }: Device): string {
  return `${path} (${compatible.join(', ')})`;
}
