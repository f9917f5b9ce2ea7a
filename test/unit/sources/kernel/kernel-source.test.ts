import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findBoard } from '../../../../src/config/listing/boards.js';
import { withFlavour } from '../../../../src/sources/kernel/kernel-flavour.js';
import { withKernelSource } from '../../../../src/sources/kernel/kernel-source.js';
import { refusal } from '../../../helpers/refusal.js';

const boardsDir = fileURLToPath(new URL('../../../../boards/', import.meta.url));
const shipped = async (id: string) => (await findBoard(id, { boardsDir, cwd: boardsDir })).board;

describe('withKernelSource', () => {
  it.each(['rpi', 'rpi3', 'rpi4', 'cm3', 'cm4', 'rpizero2w', 'virt-arm64', 'pc-amd64'])(
    "gives %s Debian's kernel with the modules that lead to its root",
    async (id) => {
      const { kernel } = withKernelSource(await shipped(id), 'debian');
      expect(kernel.source).toBe('debian');
      expect(kernel.debian?.modules.storage).toEqual(expect.arrayContaining(['ext4', 'sd_mod', 'virtio_blk']));
    },
  );

  it.each(['rpi5', 'cm5'])('refuses %s, whose RP1 has no driver there', async (id) => {
    const board = await shipped(id);
    const { code, message } = refusal(() => withKernelSource(board, 'debian'));
    expect(code).toBe('kernel-debian-unfit');
    expect(message).toContain(id);
  });

  it('refuses a board that says so itself, without any flag', async () => {
    const board = await shipped('rpi5');
    const own = { ...board, kernel: { ...board.kernel, source: 'debian' as const } };
    expect(refusal(() => withKernelSource(own, undefined)).code).toBe('kernel-debian-unfit');
  });

  it('refuses the realtime flavour and patches, which need a compile', async () => {
    const board = await shipped('rpi4');
    const realtime = await withFlavour(board, 'rt', boardsDir);
    const patched = { ...board, kernel: { ...board.kernel, patches: ['/tmp/x.patch'] } };
    for (const one of [realtime, patched]) {
      expect(refusal(() => withKernelSource(one, 'debian')).code).toBe('kernel-debian-unfit');
    }
  });

  it('goes back to the compiled kernel, and leaves a tarball where it is', async () => {
    const board = await shipped('rpi4');
    expect(withKernelSource(withKernelSource(board, 'debian'), 'compiled')).toEqual(board);
    const tarball = { url: 'https://example.org/linux.tar.xz', sha256: 'a'.repeat(64) };
    const own = { ...board, kernel: { ...board.kernel, source: tarball } };
    expect(withKernelSource(own, 'compiled')).toBe(own);
    expect(withKernelSource(board, undefined)).toBe(board);
  });
});
