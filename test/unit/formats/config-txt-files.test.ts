import { describe, expect, it } from 'vitest';
import { fileProblems, readConfigTxt, settingOf } from '../../../src/formats/config-txt-files.js';

describe('readConfigTxt', () => {
  it('gives the sections in their order, what comes first for all, without comments', () => {
    expect(
      readConfigTxt('# by hand\r\narm_64bit=1\r\n[pi4]\r\n  gpu_mem=16 \r\n\r\n[all]\r\ninclude a.txt\r\n'),
    ).toEqual([
      { filter: 'all', lines: ['arm_64bit=1'] },
      { filter: 'pi4', lines: ['gpu_mem=16'] },
      { filter: 'all', lines: ['include a.txt'] },
    ]);
  });
});

describe('settingOf', () => {
  it.each([
    ['gpu_mem=16', 'gpu_mem', '16'],
    ['initramfs initrd.img followkernel', 'initramfs', 'initrd.img followkernel'],
    ['include extra.txt', 'include', 'extra.txt'],
    ['dtoverlay=hat,speed=4', 'dtoverlay', 'hat,speed=4'],
    ['dtoverlay=', 'dtoverlay', ''],
    ['hdmi_group:1=2', 'hdmi_group:1', '2'],
  ])('splits %s', (line, key, value) => {
    expect(settingOf(line)).toEqual({ key, value });
  });
});

describe('fileProblems', () => {
  const has =
    (...files: string[]) =>
    (path: string) =>
      files.includes(path);
  const codes = (line: string, ...files: string[]) =>
    fileProblems([{ filter: 'all', lines: ['arm_64bit=1', line] }], has(...files)).map(
      ({ index, problem }) => `${index} ${problem.code}`,
    );

  it('asks for the files of the firmware that is there, whichever it is', () => {
    expect(codes('gpu_mem=16', 'start.elf', 'start_cd.elf', 'fixup_cd.dat')).toEqual([]);
    expect(codes('gpu_mem=16', 'start.elf', 'start4.elf', 'start_cd.elf', 'fixup_cd.dat')).toEqual([
      '1 config-txt-file-missing',
    ]);
    expect(codes('gpu_mem=16')).toEqual([]);
  });

  it('takes several files of an initramfs, and an absolute path as it is', () => {
    expect(codes('initramfs a.gz,b.gz 0x00800000', 'a.gz')).toEqual(['1 config-txt-file-missing']);
    expect(codes('initramfs a.gz,b.gz followkernel', 'a.gz', 'b.gz')).toEqual([]);
    expect(codes('kernel=/other.img', '/other.img')).toEqual([]);
  });
});
