import type { Problem } from '../../errors.js';
import { didYouMean } from '../../config/wording.js';
import { shellCommands, shellFunctions } from './shell-commands.js';

/** A text file of the root: its path on the device without the first slash, and the file it came from. */
export type RootFile = { readonly path: string; readonly file: string; readonly text: string };

/** Where commands without a path are looked for, as /etc/profile and init have it. */
const SEARCH_PATH = ['sbin', 'usr/sbin', 'bin', 'usr/bin', 'usr/local/sbin', 'usr/local/bin'];

const ACTIONS = ['sysinit', 'wait', 'once', 'respawn', 'askfirst', 'ctrlaltdel', 'shutdown', 'restart'];

/**
 * What BusyBox's init would complain about on the console, over and over where it restarts a command that is not there.
 * Codes: `inittab-syntax`, `inittab-action-unknown`, `inittab-command-missing`.
 *
 * @param exists whether something is at a path of the root; without the first slash
 */
export function inittabProblems({ file, text }: RootFile, exists: (path: string) => boolean): readonly Problem[] {
  return text.split('\n').flatMap((raw, index): Problem[] => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const at = { file, line: index + 1 };
    const [, action = '', command = ''] = /^[^:]*:[^:]*:([^:]*):(.*)$/.exec(line) ?? [];
    if (command === '') {
      const hint = 'Write TTY::ACTION:COMMAND, for example ::respawn:/usr/sbin/httpd -f';
      return [{ code: 'inittab-syntax', message: `"${line}" is not a line of an inittab`, hint, ...at }];
    }
    if (!ACTIONS.includes(action)) {
      const hint = didYouMean(action, ACTIONS) ?? `Known: ${ACTIONS.join(', ')}.`;
      return [{ code: 'inittab-action-unknown', message: `init knows no action "${action}"`, hint, ...at }];
    }
    const program = /^-?(\S+)/.exec(command)?.[1] ?? '';
    if (isThere(program, exists)) return [];
    const message = `init is to run ${program}, which the root does not have`;
    const hint = 'Check the path, add the program to an overlay, or turn its option of BusyBox on.';
    return [{ code: 'inittab-command-missing', message, hint, ...at }];
  });
}

/**
 * Commands that scripts of the layer call and the root does not have: an option of BusyBox was turned off, or a script
 * changed. Code: `start-command-missing`.
 *
 * @param scripts those of one layer, with the files that they read functions from
 */
export function scriptProblems(scripts: readonly RootFile[], exists: (path: string) => boolean): readonly Problem[] {
  const functions = scripts.flatMap(({ text }) => shellFunctions(text));
  return scripts.flatMap(({ path, file, text }) =>
    shellCommands(text, functions)
      .filter(({ name }) => !name.startsWith('/run/') && !isThere(name, exists))
      .map(({ name, line }) => ({
        code: 'start-command-missing',
        message: `/${path} calls ${name}, which the root does not have`,
        hint: 'A tiny system does not start without it: turn its option of BusyBox on again.',
        file,
        line,
      })),
  );
}

function isThere(command: string, exists: (path: string) => boolean): boolean {
  if (command.includes('/')) return exists(command.replace(/^\/+/, ''));
  return SEARCH_PATH.some((folder) => exists(`${folder}/${command}`));
}
