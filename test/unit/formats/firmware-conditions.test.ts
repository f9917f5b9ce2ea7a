import { describe, expect, it } from 'vitest';
import { effectiveLines, startFilesOf } from '../../../src/formats/firmware-conditions.js';

const PI4 = { tryboot: false, partition: 2, models: ['pi4'] };

describe('the filters of config.txt', () => {
  it('let the lines of the board, of the trial and of the partition through', () => {
    const text = [
      'a=1',
      '[pi4]',
      'b=1',
      '[pi5]',
      'c=1',
      '[all]',
      '[tryboot]',
      'd=1',
      '[all]',
      '[boot_partition=3]',
      'e=1',
      '[all]',
      '[none]',
      'f=1',
      '[all]',
      '# g=1',
      'h=1',
    ].join('\n');
    expect(effectiveLines(text, PI4)).toEqual(['a=1', 'b=1', 'h=1']);
    expect(effectiveLines(text, { ...PI4, tryboot: true, partition: 3 })).toEqual(['a=1', 'b=1', 'd=1', 'e=1', 'h=1']);
  });

  it('hold together where they are of different kinds, and replace one another where they are of one', () => {
    const text = '[pi4]\n[tryboot]\na=1\n[pi5]\nb=1\n';
    expect(effectiveLines(text, { ...PI4, tryboot: true })).toEqual(['a=1']);
    expect(effectiveLines(text, PI4)).toEqual([]);
  });
});

describe('the files of a start', () => {
  it('are those of the lines that count, with the time that the watchdog gives the kernel', () => {
    const text = '[all]\nkernel=kernel8.img\n[tryboot]\nkernel=new.img\n[all]\n[pi4]\nkernel_watchdog_timeout=60\n';
    expect(startFilesOf(text, PI4)).toMatchObject({ kernel: 'kernel8.img', kernelWatchdogSeconds: 60 });
    expect(startFilesOf(text, { ...PI4, tryboot: true, models: [] })).toMatchObject({
      kernel: 'new.img',
      kernelWatchdogSeconds: 0,
    });
  });
});
