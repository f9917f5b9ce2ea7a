import { UserError } from '../../errors.js';

/** What a PC's network boot starts: names of files in the folder that a server offers. */
export type NetworkStart = {
  readonly kernel: string;
  /** Archives in the order in which the kernel unpacks them, without the seed. */
  readonly archives: readonly string[];
  /** Archive with the seed; a device with a folder of its own has another one there, under the same name. */
  readonly seed?: string | undefined;
  readonly commandLine: string;
  /** Where the folder is offered by HTTP: "http://192.168.1.5:8080/netboot"; undefined: wherever the script came from. */
  readonly base?: string | undefined;
};

/**
 * The command line, when every boot loader hands it on as it is: none of them agrees with the others about quotes,
 * backslashes and what begins with a "$". Throws UserError `command-line-not-for-network`.
 */
export function plainCommandLine(commandLine: string): string {
  const words = commandLine.trim().split(/\s+/);
  const bad = words.find((word) => /["'\\`$]/.test(word) || word.startsWith('#'));
  if (bad === undefined) return words.join(' ');
  const message = `The boot loaders of network boot cannot pass the word ${bad} on to the kernel unchanged`;
  throw new UserError('command-line-not-for-network', message, {
    hints: ['Leave quotes, backslashes, dollar signs and a leading # out of it.'],
  });
}
