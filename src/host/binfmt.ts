import type { Command } from '../model/command.js';

/** Where the kernel keeps its list of interpreters for foreign programs. */
export const BINFMT_DIR = '/proc/sys/fs/binfmt_misc';

/** Start of every 64-bit little-endian ELF program for AArch64 (e_machine 0xb7), executables and shared objects alike. */
const MAGIC = '7f454c460201010000000000000000000200b700';
const MASK = 'ffffffffffffff00fffffffffffffffffeffffff';

/** One handler as the kernel shows it (Linux, Documentation/admin-guide/binfmt-misc.rst). */
export type BinfmtHandler = {
  readonly name: string;
  readonly enabled: boolean;
  readonly interpreter: string;
  readonly flags: string;
  readonly magic: string;
};

export function parseBinfmtHandler(name: string, text: string): BinfmtHandler {
  const value = (key: string): string => new RegExp(`^${key}:? (.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  return {
    name,
    enabled: text.startsWith('enabled'),
    interpreter: value('interpreter'),
    flags: value('flags'),
    magic: value('magic'),
  };
}

export function handlesAarch64(handler: BinfmtHandler): boolean {
  return handler.enabled && handler.magic === MAGIC;
}

/** F: the interpreter is opened at registration, so it is found from inside a tree that does not hold it. */
export function worksInChroot(handler: BinfmtHandler): boolean {
  return handler.flags.includes('F');
}

/**
 * The line that registers QEMU for AArch64 programs. A line of the distribution's own (binfmt.d) is taken when it has
 * the F flag; otherwise O (hand over an open file), C (credentials of the program, for sudo in the tree) and F.
 */
export function registration(interpreter: string, ownLine: string | undefined): string {
  const own = ownLine?.trim();
  if (own !== undefined && /:[A-Z]*F[A-Z]*$/.test(own)) return own;
  return `:qemu-aarch64:M::${escaped(MAGIC)}:${escaped(MASK)}:${interpreter}:OCF`;
}

export function mountBinfmtCommand(): Command {
  return { file: 'mount', args: ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT_DIR] };
}

export function registerCommand(line: string): Command {
  return { file: 'tee', args: [`${BINFMT_DIR}/register`], stdin: line };
}

/** A name can be registered once: what lacks the F flag has to go first. */
export function unregisterCommand(name: string): Command {
  return { file: 'tee', args: [`${BINFMT_DIR}/${name}`], stdin: '-1' };
}

/** The kernel reads \xHH itself, so the line stays printable. */
function escaped(hex: string): string {
  return hex.replaceAll(/../g, (byte) => `\\x${byte}`);
}
