import { describe, expect, it } from 'vitest';
import { grubCfg, grubCommandLine, grubStartLines, withGrubCommandLines } from '../../../src/formats/grub-cfg.js';

const KERNEL = '/vmlinuz';

describe('the lines that start a kernel', () => {
  it('load it with its command line, and an archive where there is one', () => {
    const start = { kernel: KERNEL, initrd: '/initramfs.zst', commandLine: 'console=ttyS0,115200 panic=10' };
    expect(grubStartLines(start)).toEqual([
      'linux /vmlinuz console=ttyS0,115200 panic=10',
      'initrd /initramfs.zst',
      'boot',
    ]);
  });

  it.each([
    ['ends a command of GRUB', 'ds=nocloud;s=/boot/', "'ds=nocloud;s=/boot/'"],
    ['names a variable of GRUB', 'a=$root', "'a=$root'"],
    ['begins a comment of GRUB', '#x', "'#x'"],
    ['holds a space between quotes', 'dyndbg="file x +p"', "'dyndbg=file x +p'"],
  ])('quote a word that %s', (_, word, quoted) => {
    expect(grubStartLines({ kernel: KERNEL, commandLine: `a ${word} b` })[0]).toBe(`linux /vmlinuz a ${quoted} b`);
  });

  it.each(['a=\\x', "a='x y'", 'a="x'])('refuse %s, which GRUB would change on its way', (word) => {
    expect(() => grubStartLines({ kernel: KERNEL, commandLine: word })).toThrow(
      expect.objectContaining({ code: 'command-line-not-for-grub' }),
    );
  });
});

describe('the command line of a grub.cfg', () => {
  it.each(['console=ttyS0 ds=nocloud;s=/boot/', 'dyndbg="file x +p" quiet', ''])('is read back: %s', (commandLine) => {
    expect(grubCommandLine(grubCfg({ kernel: KERNEL, commandLine }))).toBe(commandLine);
  });

  it('is found in a menu that a person wrote, and absent where no kernel is loaded', () => {
    const menu = 'set timeout=3\nmenuentry "x" {\n\tlinux /k "a=c d" e\\;f\n}\n';
    expect(grubCommandLine(menu)).toBe('a="c d" e;f');
    expect(grubCommandLine('set timeout=3\n')).toBeUndefined();
  });

  it('changes in every entry, and nothing else does', () => {
    const menu = "menuentry 'one' {\n  linux /k root=PARTUUID=1-02 'a;b'\n}\nmenuentry 'two' {\n  linux /k quiet\n}\n";
    const changed = withGrubCommandLines(menu, (line) => line.replace('=1-', '=2-'));
    expect(changed).toBe(menu.replace('1-02', '2-02'));
  });
});
