import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configPlaces } from '../../../../src/config/places.js';
import { findBoard } from '../../../../src/config/listing/boards.js';
import { newBoard } from '../../../../src/config/listing/write-new-board.js';

const projectDir = fileURLToPath(new URL('../../../..', import.meta.url));
const boardsDir = join(projectDir, 'boards');
let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'new-board-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const make = (id: string, from = 'rpi4') =>
  newBoard(id, { from, schema: '/x/board.schema.json' }, configPlaces(projectDir, cwd));

describe('newBoard', () => {
  it.each(['rpi', 'rpi4', 'rpi5', 'cm3', 'virt-arm64'])(
    'writes a definition over %s that holds as it is',
    async (from) => {
      const { file } = await make('kiosk', from);
      const { board } = await findBoard(file, { boardsDir, cwd });
      expect(board).toMatchObject({ id: 'kiosk', soc: (await findBoard(from, { boardsDir, cwd })).board.soc });
    },
  );

  it('holds with its comments taken in too', async () => {
    const { file } = await make('kiosk');
    const text = await readFile(file, 'utf8');
    const whole = text
      .replaceAll(/^# (?=( *[a-zA-Z]\w*:| +-| +#| {2}))/gm, '')
      .replace(/, \.\/kiosk\.config|, \.\/my-hat\.dtso/g, '');
    await writeFile(
      file,
      whole.replace('[./patches]', '[]').replace(', ./kiosk.config', '').replace(', ./my-hat.dtso', ''),
    );
    const { board } = await findBoard(file, { boardsDir, cwd });
    expect(board.deviceTreeOverlays.map(({ name }) => name)).toEqual(['i2c1']);
    expect(board.configTxt[0]?.lines).toContain('dtoverlay=i2c1');
  });

  it.each([
    ['Kiosk 2', 'rpi4', 'board-id-invalid'],
    ['rpi3', 'rpi4', 'board-exists'],
    ['kiosk', 'rpi9', 'unknown-board'],
  ])('refuses %s from %s', async (id, from, code) => {
    await expect(make(id, from)).rejects.toMatchObject({ code });
  });

  it('leaves a file alone that is there already', async () => {
    await writeFile(join(cwd, 'kiosk.yaml'), 'mine');
    await expect(make('kiosk')).rejects.toMatchObject({ code: 'board-exists' });
    expect(await readFile(join(cwd, 'kiosk.yaml'), 'utf8')).toBe('mine');
  });
});
