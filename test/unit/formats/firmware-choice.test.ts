import { describe, expect, it } from 'vitest';
import { bootFilesOf } from '../../../src/formats/firmware-choice.js';

describe('bootFilesOf', () => {
  it.each([
    ['', 'kernel8.img', 'cmdline.txt'],
    ['kernel=kernel8.img # gzip\n', 'kernel8.img', 'cmdline.txt'],
    ['[pi4]\nkernel=four.img\n[all]\nkernel=all.img\n', 'all.img', 'cmdline.txt'],
    ['[all]\r\nkernel=first.img\r\nkernel=second.img\r\n', 'second.img', 'cmdline.txt'],
    ['os_prefix=slot-a/\nkernel=k.img\n', 'slot-a/k.img', 'slot-a/cmdline.txt'],
    ['os_prefix=slot-a/\ncmdline=/cmdline.txt\n', 'slot-a/kernel8.img', 'cmdline.txt'],
    ['#kernel=not.img\n', 'kernel8.img', 'cmdline.txt'],
    ['[pi3]\nkernel=three.img\n', 'kernel8.img', 'cmdline.txt'],
  ])('of %j are %s and %s', (configTxt, kernel, commandLine) => {
    expect(bootFilesOf(configTxt)).toMatchObject({ kernel, commandLine });
  });
});
