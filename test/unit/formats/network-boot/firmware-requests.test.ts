import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BootFile } from '../../../../src/boot/boot-tree.js';
import { networkBootFiles } from '../../../../src/boot/network.js';
import { listBoards } from '../../../../src/config/listing/boards.js';
import type { OfferedFiles } from '../../../../src/formats/network-boot/firmware-requests.js';
import { firmwareWalk } from '../../../../src/formats/network-boot/firmware-requests.js';
import type { Board } from '../../../../src/model/board.js';
import { firmwareTable } from '../../../helpers/firmware-table.js';

const boardsDir = join(import.meta.dirname, '../../../../boards');
const table = await firmwareTable();
const boards = new Map((await listBoards({ boardsDir, cwd: boardsDir })).map(({ board }) => [board.id, board]));
const pairs = [...boards.values()].flatMap((board) =>
  board.models.flatMap((model) => (table.some((row) => row.model === model) ? [{ board: board.id, model }] : [])),
);

function boardOf(id: string): Board {
  const board = boards.get(id);
  if (board === undefined) throw new Error(id);
  return board;
}

function rowOf(model: string) {
  const row = table.find((one) => one.model === model);
  if (row === undefined) throw new Error(model);
  return row;
}

/** What a build of the board offers; nothing is read of files whose bytes come from a stage. */
function offeredBy(board: Board): Map<string, string> {
  const parts = {
    kernel: { key: 'k', image: '/k/Image', imageGz: '/k/Image.gz', deviceTrees: '/k/dtbs' },
    firmware: board.firmware === undefined ? undefined : { key: 'f', path: '/f', files: board.firmware.files },
    overlays: { key: 'o', path: '/o' },
  };
  const archive = { key: 'a', path: '/a', name: 'initramfs.zst' };
  const files: readonly BootFile[] = networkBootFiles(board, parts, archive, { seed: 'seed.cpio' });
  const named = files.map((file): [string, string] => [file.name, 'text' in file ? file.text : '']);
  return new Map([...named, ['seed.cpio', '']]);
}

function asOffered(files: ReadonlyMap<string, string>): OfferedFiles {
  return { has: (path) => files.has(path), text: (path) => Promise.resolve(files.get(path)) };
}

function inFolder(files: ReadonlyMap<string, string>, folder: string): ReadonlyMap<string, string> {
  return new Map([...files].flatMap(([name, text]) => [[name, text] as const, [`${folder}/${name}`, text] as const]));
}

describe.each(pairs)('the board $board for a $model', ({ board: id, model }) => {
  const files = offeredBy(boardOf(id));
  const row = rowOf(model);

  it('offers everything that its firmware needs', async () => {
    const { missing, requests, prefix } = await firmwareWalk(row, asOffered(files), undefined);
    expect(missing).toEqual([]);
    expect(prefix).toBe('');
    const needed = requests.filter((one) => one.needed).map(({ path }) => path);
    for (const name of [...row.firmware, ...row.deviceTree, 'kernel8.img', 'cmdline.txt', 'seed.cpio', 'initramfs.zst']) {
      expect(needed).toContain(name);
    }
  });

  it('lacks what is taken away, whatever it is', async () => {
    const { requests } = await firmwareWalk(row, asOffered(files), undefined);
    for (const { path } of requests.filter(({ needed }) => needed)) {
      const less = new Map([...files].filter(([name]) => name !== path));
      const { missing } = await firmwareWalk(row, asOffered(less), undefined);
      expect(missing, path).not.toEqual([]);
    }
  });

  it('is read from the folder of the device where that has the firmware, and from the top otherwise', async () => {
    const own = await firmwareWalk(row, asOffered(inFolder(files, '1a2b3c4d')), '1a2b3c4d');
    expect(own.prefix).toBe('1a2b3c4d/');
    expect(own.missing).toEqual([]);
    const none = await firmwareWalk(row, asOffered(files), '1a2b3c4d');
    expect(none.prefix).toBe('');
    expect(none.missing).toEqual([]);
  });
});

describe('what config.txt says', () => {
  const files = (configTxt: string) =>
    asOffered(new Map([...offeredBy(boardOf('rpi4')), ['config.txt', configTxt], ['other.img', '']]));
  const missing = async (configTxt: string) =>
    (await firmwareWalk(rowOf('Raspberry Pi 4 Model B'), files(configTxt), undefined)).missing;

  it('counts for the models that read it, and not for others', async () => {
    expect(await missing('upstream_kernel=1\n[pi4]\nkernel=other.img')).toEqual([]);
    expect(await missing('upstream_kernel=1\n[pi4]\nkernel=nowhere.img')).toEqual(['nowhere.img']);
    expect(await missing('upstream_kernel=1\n[pi5]\nkernel=nowhere.img\n[all]\nkernel=kernel8.img')).toEqual([]);
  });

  it('names overlays, device trees and archives', async () => {
    expect(await missing('upstream_kernel=1\ndtoverlay=i2c1\ndtoverlay=vc4-kms-v3d,noaudio')).toEqual([
      'overlays/vc4-kms-v3d.dtbo',
    ]);
    expect(await missing('device_tree=own.dtb')).toEqual(['own.dtb']);
    expect(await missing('upstream_kernel=1\ninitramfs one.cpio,seed.cpio followkernel')).toEqual(['one.cpio']);
  });

  it('is as its letters are: a TFTP server tells the cases apart', async () => {
    expect(await missing('upstream_kernel=1\nkernel=KERNEL8.IMG')).toEqual(['KERNEL8.IMG']);
  });
});
