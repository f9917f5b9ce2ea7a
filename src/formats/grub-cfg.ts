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
 * The file that GRUB reads from a boot partition. People may change it; `grubCommandLine` and `withGrubCommandLines`
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
const LINUX_LINES = /^([ \t]*linux(?:efi)?)[ \t]+(\S+)[ \t]*(.*)$/gm;

/** The kernel's first command line in a grub.cfg, as the kernel gets it; undefined where no line loads one. */
export function grubCommandLine(grubCfg: string): string | undefined {
  const words = [...grubCfg.matchAll(LINUX_LINES)][0]?.[3];
  return words === undefined ? undefined : fromGrub(words);
}

/**
 * The same file with other command lines; a line whose words stay is not touched. Throws UserError
 * `command-line-not-for-grub`.
 */
export function withGrubCommandLines(grubCfg: string, change: (commandLine: string) => string): string {
  return grubCfg.replaceAll(LINUX_LINES, (line: string, command: string, kernel: string, words: string) => {
    const before = fromGrub(words);
    const after = change(before);
    return after === before ? line : linuxLine(command, kernel, after);
  });
}

function fromGrub(words: string): string {
  return wordsOf(words).map(kernelWord).join(' ');
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
