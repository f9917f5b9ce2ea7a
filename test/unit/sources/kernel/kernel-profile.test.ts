import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findBoard } from '../../../../src/config/listing/boards.js';
import { localVersionOf, withFlavour } from '../../../../src/sources/kernel/kernel-flavour.js';
import { chosenProfile, withProfile } from '../../../../src/sources/kernel/kernel-profile.js';
import { refusal } from '../../../helpers/refusal.js';

const boardsDir = fileURLToPath(new URL('../../../../boards/', import.meta.url));
const shipped = async (id: string) => (await findBoard(id, { boardsDir, cwd: boardsDir })).board;

describe('chosenProfile', () => {
  it.each([
    ['pc-amd64', ['minimal', 'tiny'], 'minimal'],
    ['rpi4', ['minimal', 'tiny'], 'tiny'],
    ['rpi4', ['minimal', 'standard'], undefined],
    ['rpi4', ['standard'], undefined],
    ['rpi4', ['smallest', 'constructor'], 'smallest'],
  ] as const)('%s with %j takes %s', async (id, wishes, chosen) => {
    expect(chosenProfile(await shipped(id), wishes)).toBe(chosen);
  });
});

describe('withProfile', () => {
  it("gives the profile's fragments alone, and a release of its own", async () => {
    const board = withProfile(await shipped('rpi4'), 'tiny');
    const names = board.kernel.fragments.map(({ name }) => name);
    expect(names).toEqual(['tiny', 'tiny-devices', 'tiny-linux-6.12', 'tiny-arm64', 'tiny-raspberry-pi']);
    expect(localVersionOf(board)).toBe('-reswarm-tiny');
    expect(board.kernel.image).toEqual({ name: 'kernel8.img', compression: 'gzip' });
  });

  it('gives options and patches beside those of the board, for each of its flavours', async () => {
    const standard = await shipped('rpi4');
    const updates = withProfile(standard, 'updates');
    expect(updates.kernel.fragments.map(({ name }) => name)).toEqual([
      ...standard.kernel.fragments.map(({ name }) => name),
      'updates',
    ]);
    expect(updates.kernel.patches).toEqual([fileURLToPath(new URL('kernel/patches/tryboot', `file://${boardsDir}`))]);
    const realtime = withProfile(await withFlavour(standard, 'rt', boardsDir), 'updates');
    expect(localVersionOf(realtime)).toBe('-reswarm-updates-rt');
    const { kernel } = withProfile(await shipped('rpi5'), 'updates');
    expect(kernel.package).toBe('linux-source-7.3');
    expect(kernel.patches).toEqual(expect.arrayContaining([...updates.kernel.patches]));
  });

  it('keeps the sources and everything else of the board', async () => {
    const before = await shipped('pc-amd64');
    const { kernel, ...rest } = withProfile(before, 'tiny');
    const { kernel: standard, ...same } = before;
    expect(rest).toEqual(same);
    expect(kernel).toMatchObject({ package: standard.package, suite: standard.suite, patches: standard.patches });
  });

  it('leaves a board alone for which no profile was asked', async () => {
    const board = await shipped('rpi4');
    expect(withProfile(board, undefined)).toBe(board);
  });

  it('is the same kernel for all boards of a family', async () => {
    const ids = ['virt-arm64', 'rpi3', 'rpi4', 'rpizero2w', 'cm3', 'cm4', 'rpi'];
    const kernels = await Promise.all(ids.map(async (id) => withProfile(await shipped(id), 'tiny').kernel));
    for (const { fragments, package: source, localVersion } of kernels) {
      expect({ fragments, source, localVersion }).toEqual({
        fragments: kernels[0]?.fragments,
        source: 'linux-source-6.12',
        localVersion: '-reswarm-tiny',
      });
    }
  });

  it.each(['tinny', 'constructor', ''])('refuses the profile "%s" and names those that the board has', async (name) => {
    const board = await shipped('rpi4');
    const error = refusal(() => withProfile(board, name));
    expect(error.code).toBe('kernel-profile-missing');
    expect(error.message).toContain('rpi4');
    expect(error.message).toContain('it has tiny, updates');
  });

  it('says so where a board has none', async () => {
    const board = await shipped('rpi4');
    const without = { ...board, kernel: { ...board.kernel, profiles: {} } };
    expect(refusal(() => withProfile(without, 'tiny')).message).toContain('it has none');
  });

  it('refuses a board of the realtime flavour, whose options the profile has not', async () => {
    const realtime = await withFlavour(await shipped('rpi4'), 'rt', boardsDir);
    expect(refusal(() => withProfile(realtime, 'tiny')).code).toBe('kernel-profile-flavour');
  });
});
