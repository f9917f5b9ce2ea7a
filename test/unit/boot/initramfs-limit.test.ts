import { describe, expect, it } from 'vitest';
import { initramfsTooLarge, memoryForInitramfs } from '../../../src/boot/initramfs-limit.js';
import { MiB } from '../../../src/model/bytes.js';

const rpi4 = { id: 'rpi4', models: ['Raspberry Pi 4 Model B'], configTxt: [] };
const rpi3 = { id: 'rpi3', models: ['Raspberry Pi 3 Model B', 'Raspberry Pi 3 Model A+'], configTxt: [] };
const KERNEL = 16 * MiB;

function withGpu(...lines: readonly string[]) {
  return [{ filter: 'all', lines }];
}

describe('the room for an initramfs', () => {
  it('ends where the firmware loads no higher, and on small models where the GPU begins', () => {
    expect(memoryForInitramfs(rpi4, KERNEL).mostArchiveBytes).toBe((752 - 16 - 4) * MiB);
    expect(memoryForInitramfs(rpi3, KERNEL).mostArchiveBytes).toBe((512 - 64 - 16 - 4) * MiB);
  });

  it('counts what config.txt gives to the GPU', () => {
    const large = { ...rpi3, configTxt: withGpu('gpu_mem=256', 'gpu_mem_1024=400', '# gpu_mem=500') };
    expect(memoryForInitramfs(large, KERNEL).mostArchiveBytes).toBe((512 - 256 - 16 - 4) * MiB);
    const most = { ...rpi4, configTxt: withGpu('gpu_mem_512=16', 'gpu_mem_1024=512') };
    expect(memoryForInitramfs(most, KERNEL).mostArchiveBytes).toBe((512 - 16 - 4) * MiB);
  });
});

describe('an initramfs', () => {
  const sizes = { sizeBytes: 20 * MiB, unpackedBytes: 100 * MiB, kernelBytes: KERNEL };

  it('is refused when the firmware cannot place it, with both sizes', () => {
    expect(initramfsTooLarge(rpi3, sizes)).toBeUndefined();
    const most = memoryForInitramfs(rpi3, KERNEL).mostArchiveBytes;
    expect(initramfsTooLarge(rpi3, { ...sizes, sizeBytes: most })).toBeUndefined();
    expect(initramfsTooLarge(rpi3, { ...sizes, sizeBytes: most + 1 })).toMatchObject({
      code: 'initramfs-too-large',
      message: expect.stringMatching(/has 428 MiB .* rpi3 of 512 MiB loads 428 MiB at most/) as string,
    });
  });

  it('is refused when the kernel has no room to unpack it', () => {
    const unpackedBytes = 217 * MiB;
    expect(initramfsTooLarge(rpi3, { ...sizes, unpackedBytes })?.message).toMatch(/takes 217 MiB .* 216 MiB/);
    expect(initramfsTooLarge(rpi4, { ...sizes, unpackedBytes })).toBeUndefined();
  });
});
