import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configTxt } from '../../../src/boot/raspberry-pi.js';
import { listBoards } from '../../../src/config/listing/boards.js';
import { readConfigTxt } from '../../../src/formats/config-txt-files.js';
import type { Board } from '../../../src/model/board.js';
import { firmwareTable } from '../../helpers/firmware-table.js';

const boardsDir = join(import.meta.dirname, '../../../boards');
const table = await firmwareTable();
const boards = (await listBoards({ boardsDir, cwd: boardsDir }))
  .map(({ board }) => board)
  .filter(({ models }) => models.some((model) => model.startsWith('Raspberry Pi')));

const pairs = boards.flatMap((board) => board.models.map((model) => ({ board: board.id, model })));

function boardOf(id: string): Board {
  const board = boards.find((one) => one.id === id);
  if (board === undefined) throw new Error(id);
  return board;
}

function rowOf(model: string) {
  const row = table.find((one) => one.model === model);
  if (row === undefined) throw new Error(`boards/hardware/firmware.yaml has no ${model}`);
  return row;
}

/** Lines of config.txt that the model reads. */
function linesRead(board: Board, model: string): readonly string[] {
  const seen = ['all', ...rowOf(model).filters];
  return readConfigTxt(configTxt(board))
    .filter(({ filter }) => seen.includes(filter))
    .flatMap(({ lines }) => lines);
}

describe.each(pairs)('the board $board on a $model', ({ board: id, model }) => {
  const board = boardOf(id);
  const row = rowOf(model);
  const onBoot = [...board.deviceTrees, ...Object.keys(board.deviceTreeCopies)];

  it('has every file that runs before the kernel', () => {
    expect(board.firmware?.files ?? []).toEqual(expect.arrayContaining(row.firmware));
  });

  it('has the device tree under every name that the firmware asks for', () => {
    const lines = linesRead(board, model);
    expect(onBoot).toEqual(
      expect.arrayContaining(lines.includes('upstream_kernel=1') ? row.deviceTree : (row.otherwise ?? row.deviceTree)),
    );
  });

  it('starts a kernel of 64 bits by its name, with what this model needs', () => {
    const lines = linesRead(board, model);
    expect(lines).toEqual(expect.arrayContaining(['arm_64bit=1', `kernel=${board.kernel.image.name}`]));
    expect(lines).toEqual(expect.arrayContaining(row.needs ?? []));
  });
});

describe.each(boards.map(({ id }) => id))('the board %s', (id) => {
  const board = boardOf(id);
  const rows = board.models.map(rowOf);

  it('has no firmware and no device tree that none of its models asks for', () => {
    const wanted = new Set(rows.flatMap(({ firmware }) => firmware));
    expect((board.firmware?.files ?? []).filter((file) => !wanted.has(file))).toEqual([]);
    const trees = new Set(rows.flatMap(({ deviceTree }) => deviceTree));
    const kept = SOURCES_OF_COPIES[id] ?? [];
    const onBoot = [...board.deviceTrees, ...Object.keys(board.deviceTreeCopies)];
    expect(onBoot.filter((name) => !trees.has(name) && !kept.includes(name))).toEqual([]);
  });

  it('has no section of config.txt that none of its models reads', () => {
    const read = new Set(['all', ...rows.flatMap(({ filters }) => filters)]);
    expect(board.configTxt.map(({ filter }) => filter).filter((filter) => !read.has(filter))).toEqual([]);
  });
});

/** A board lists a device tree at least; the names that the firmware asks for are copies of it. */
const SOURCES_OF_COPIES: Readonly<Record<string, readonly string[]>> = { cm5: ['bcm2712-d-rpi-5-b.dtb'] };

it('has one row a model, and the model’s own filter last', () => {
  expect(new Set(table.map(({ model }) => model)).size).toBe(table.length);
  const own = (model: string) => rowOf(model).filters.at(-1);
  expect(own('Raspberry Pi Zero 2 W')).toBe('pi02');
  expect(own('Raspberry Pi Compute Module 3+')).toBe('cm3+');
});
