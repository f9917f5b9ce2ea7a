import { UserError } from '../errors.js';

/** What GRUB starts: files of its own partition or disc, absolute, and the kernel's command line. */
export type GrubStart = {
  readonly kernel: string;
  readonly initrd?: string;
  readonly commandLine: string;
};

/** GRUB's commands that load a kernel and start it. Throws UserError `command-line-not-for-grub`. */
export function grubStartLines({ kernel, initrd, commandLine }: GrubStart): readonly string[] {
  return [
    linuxLine('linux', kernel, commandLine),
    ...(initrd === undefined ? [] : [`initrd ${quoted(initrd)}`]),
    'boot',
  ];
}

/**
 * The file that GRUB reads from a boot partition. People may change it; `grubCommandLine` and `withGrubCommandLine`
 * read it back. Throws UserError `command-line-not-for-grub`.
 */
export function grubCfg(start: GrubStart): string {
  const head = [
    '# Read by GRUB when the machine starts. What follows the name of the kernel is its command line.',
    '# cmdline.txt holds the same words, for `reswarm-os boot` without --firmware.',
  ];
  return `${[...head, ...grubStartLines(start)].join('\n')}\n`;
}

/** `linux` of a grub.cfg: its first words, the kernel's file, and what follows. */
const LINUX_LINE = /^([ \t]*linux(?:efi)?)[ \t]+(\S+)[ \t]*(.*)$/m;

/** The kernel's command line in a grub.cfg, as the kernel gets it; undefined where no line loads one. */
export function grubCommandLine(grubCfg: string): string | undefined {
  const words = LINUX_LINE.exec(grubCfg)?.[3];
  return words === undefined ? undefined : wordsOf(words).map(kernelWord).join(' ');
}

/** The same file with another command line. Throws UserError `command-line-not-for-grub`. */
export function withGrubCommandLine(grubCfg: string, commandLine: string): string {
  return grubCfg.replace(LINUX_LINE, (_, command: string, kernel: string) => linuxLine(command, kernel, commandLine));
}

function linuxLine(command: string, kernel: string, commandLine: string): string {
  return [command, kernel, ...kernelWords(commandLine).map(quoted)].join(' ');
}

/**
 * Words as the kernel separates them (lib/cmdline.c, next_arg): by white space outside of double quotes. GRUB puts
 * quotes around a word with spaces itself, and a backslash before quotes and backslashes inside
 * (grub-core/lib/cmdline.c), which the kernel does not know.
 */
function kernelWords(commandLine: string): readonly string[] {
  const words = commandLine.trim().match(/(?:"[^"]*"|\S)+/g) ?? [];
  return words.map((word) => {
    const plain = word.replaceAll('"', '');
    if (!/[\\']/.test(plain) && (word.match(/"/g)?.length ?? 0) % 2 === 0) return plain;
    throw new UserError('command-line-not-for-grub', `GRUB cannot pass the word ${word} on to the kernel unchanged`, {
      hints: ['Leave quotes and backslashes out of it.'],
    });
  });
}

function kernelWord(word: string): string {
  if (!/\s/.test(word)) return word;
  const [name, value] = [word.slice(0, word.indexOf('=') + 1), word.slice(word.indexOf('=') + 1)];
  return `${name}"${value}"`;
}

/** As GRUB takes a line of its script apart: quotes of both kinds, a backslash before one character. */
function wordsOf(text: string): readonly string[] {
  const words = text.match(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\#]|(?<=\S)#)+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g, (_, single?: string, double?: string, one?: string) => {
      return single ?? one ?? (double ?? '').replaceAll(/\\(["\\$])/g, '$1');
    }),
  );
}

/** In single quotes GRUB changes nothing; plain words need none. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_.,:/=@+%-]+$/.test(word) ? word : `'${word}'`;
}
