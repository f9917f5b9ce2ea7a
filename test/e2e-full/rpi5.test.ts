import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli, resultOf } from '../helpers/cli.js';
import { inTools } from '../helpers/in-tools.js';

/** QEMU has no such machine: device tree, drivers and firmware files are held against each other instead. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-rpi5-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** What a device tree has, by its labels, and the driver's alias that answers to it. */
const PARTS: readonly { readonly node: string; readonly compatible: string; readonly driver: string }[] = [
  { node: 'rp1_eth', compatible: 'raspberrypi,rp1-gem', driver: 'of:N*T*Craspberrypi,rp1-gem' },
  { node: 'rp1_usb0', compatible: 'snps,dwc3', driver: 'of:N*T*Csnps,dwc3' },
  { node: 'rp1_usb1', compatible: 'snps,dwc3', driver: 'of:N*T*Csnps,dwc3' },
  // RP1 itself is a PCI device.
  { node: 'pcie2', compatible: 'brcm,bcm2712-pcie', driver: 'pci:v00001DE4d00000001' },
  { node: 'pcie1', compatible: 'brcm,bcm2712-pcie', driver: 'of:N*T*Cbrcm,bcm2712-pcie' },
  { node: 'sdio1', compatible: 'brcm,bcm2712-sdhci', driver: 'of:N*T*Cbrcm,bcm2712-sdhci' },
  // The wifi chip on it, a 43455, tells its own number.
  { node: 'wifi', compatible: 'brcm,bcm4329-fmac', driver: 'sdio:c*v02D0dA9BF' },
  { node: 'bluetooth', compatible: 'brcm,bcm43438-bt', driver: 'of:N*T*Cbrcm,bcm43438-bt' },
  { node: 'uarta', compatible: 'brcm,bcm7271-uart', driver: 'of:N*T*Cbrcm,bcm7271-uart' },
];

describe.each([
  {
    board: 'rpi5',
    trees: ['bcm2712-rpi-5-b.dtb', 'bcm2712d0-rpi-5-b.dtb'],
    overlay: undefined,
    compatible: 'raspberrypi,5-model-b',
  },
  {
    board: 'cm5',
    trees: ['bcm2712-rpi-cm5-cm5io.dtb', 'bcm2712-rpi-cm5l-cm5io.dtb'],
    overlay: 'overlays/cm5.dtbo',
    compatible: 'raspberrypi,5-compute-module',
  },
])('an image for $board', ({ board, trees, overlay, compatible }) => {
  let boot: string;
  let root: string;

  beforeAll(async () => {
    const image = join(folder, `${board}.img`);
    const built = await cli(['build', '--board', board, '--yes', '--json', '--output', image]);
    expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
    root = join(folder, board);
    for (const path of ['/boot', '/usr/lib/modules', '/usr/lib/firmware']) {
      const extracted = await cli(['inspect', image, '--extract', path, '--to', join(root, path, '..'), '--json']);
      expect(extracted.exitCode, extracted.stdout + extracted.stderr).toBe(0);
    }
    boot = join(root, 'boot');
  });

  describe.each(trees)('%s', (tree) => {
    /** As Linux gets it, with what config.txt asks for. */
    const seen = `seen-${tree}`;

    beforeEach(async () => {
      if (overlay === undefined) await inTools(folder, 'cp', [`${board}/boot/${tree}`, seen]);
      else await inTools(folder, 'fdtoverlay', ['-i', `${board}/boot/${tree}`, '-o', seen, `${board}/boot/${overlay}`]);
    });

    const property = async (node: string, name: string): Promise<string> => {
      const path = node.startsWith('/') ? node : (await inTools(folder, 'fdtget', [seen, '/__symbols__', node])).trim();
      return (await inTools(folder, 'fdtget', ['-d', 'okay', seen, path, name])).trim();
    };

    it.each(PARTS)('has $node, switched on, and a driver for it', async ({ node, compatible: wanted, driver }) => {
      expect((await property(node, 'compatible')).split(' ')).toContain(wanted);
      expect(await property(node, 'status')).toBe('okay');
      const [release = ''] = await readdir(join(root, 'usr/lib/modules'));
      const lists = ['modules.alias', 'modules.builtin.modinfo'].map((name) =>
        readFile(join(root, 'usr/lib/modules', release, name), 'utf8'),
      );
      expect((await Promise.all(lists)).join('\n').includes(driver), driver).toBe(true);
    });

    it('leads wifi and Bluetooth to firmware files that are in the image', async () => {
      const [first] = (await property('/', 'compatible')).split(' ');
      expect(first).toBe(compatible);
      const firmware = join(root, 'usr/lib/firmware/brcm');
      for (const name of ['bin', 'clm_blob', `${compatible}.txt`]) {
        const bytes = await readFile(join(firmware, `brcmfmac43455-sdio.${name}`));
        expect(bytes.length, name).toBeGreaterThan(1000);
      }
      expect((await readFile(join(firmware, 'BCM4345C0.hcd'))).length).toBeGreaterThan(1000);
    });
  });

  it('names in config.txt what the firmware has to lay over the device tree, and the kernel', async () => {
    const config = await readFile(join(boot, 'config.txt'), 'utf8');
    expect(config).toMatch(/^kernel=kernel8\.img$/m);
    expect(/^dtoverlay=(.+)$/m.exec(config)?.[1]).toBe(overlay === undefined ? undefined : board);
    expect((await readFile(join(boot, 'kernel8.img'))).length).toBeGreaterThan(5e6);
  });
});

it('the kernel of both boots the image of the 5', async () => {
  const image = join(folder, 'rpi5.img');
  const checked = await cli(['boot', image, '--check', '--json', '--timeout', '1500']);
  expect(checked.exitCode, checked.stdout.slice(-4000)).toBe(0);
  expect(resultOf(checked)).toMatchObject({ machine: 'virt', passed: true });
});
