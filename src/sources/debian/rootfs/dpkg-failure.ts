import { CommandError } from '../../../errors.js';
import type { Host, RunOptions } from '../../../host/host.js';
import type { Command } from '../../../model/command.js';
import type { Sandbox } from '../../../model/sandbox.js';

const LINES_OF_A_SCRIPT = 12;
const MOST_LINES_KEPT = 5_000;

/** dpkg failed; says which package was the first one and what its script said, not what followed from it. */
export class DpkgError extends CommandError {
  constructor(
    cause: CommandError,
    /** All that dpkg could not process, in its order. */
    readonly packages: readonly string[],
    details: readonly string[],
  ) {
    const [first, ...others] = packages;
    const also =
      others.length === 0 ? '' : `, and so ${others.length} other${others.length === 1 ? '' : 's'} could not`;
    const message = first === undefined ? cause.message : `The package ${first} could not be processed${also}`;
    // The log is gone with the stage's scratch.
    super(cause.code, message, { details: details.length > 0 ? details : cause.details, hints: [], cause });
  }
}

/** `host.runIn` for dpkg. Throws DpkgError where that throws CommandError `command-failed`. */
export async function runDpkg(host: Host, sandbox: Sandbox, command: Command, options: RunOptions): Promise<void> {
  const lines: string[] = [];
  const onLine: RunOptions['onLine'] = (line, stream) => {
    if (lines.length < MOST_LINES_KEPT) lines.push(line);
    options.onLine?.(line, stream);
  };
  try {
    await host.runIn(sandbox, command, { ...options, onLine });
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== 'command-failed') throw error;
    throw new DpkgError(error, failedPackages(lines), firstCause(lines));
  }
}

const FAILED = /^dpkg: error processing (?:package|archive) (\S+)/;
/** What only follows from another package's failure. */
const CONSEQUENCE = /^ ?dependency problems - /;
/** What dpkg itself says while all goes well. */
const PROGRESS =
  /^(?:Setting up|Unpacking|Preparing to unpack|Selecting previously|Processing triggers|\(Reading database|Created symlink)/;

/** Whose own script or archive failed comes first. */
function failedPackages(lines: readonly string[]): readonly string[] {
  const failed = lines.flatMap((line, index) => {
    const name = FAILED.exec(line)?.[1];
    return name === undefined ? [] : [{ name, isFirst: !CONSEQUENCE.test(lines[index + 1] ?? '') }];
  });
  return [...new Set([...failed.filter(({ isFirst }) => isFirst), ...failed].map(({ name }) => name))];
}

/** What was said before dpkg gave up the first package, and why it did. Empty where dpkg names none. */
export function firstCause(lines: readonly string[]): readonly string[] {
  const said = lines.filter((line) => !PROGRESS.test(line) && line !== '');
  const at = said.findIndex((line, index) => FAILED.test(line) && !CONSEQUENCE.test(said[index + 1] ?? ''));
  if (at < 0) return [];
  const before = said.slice(0, at);
  const last = before.findLastIndex((line) => FAILED.test(line) || CONSEQUENCE.test(line));
  return [...before.slice(last + 1).slice(-LINES_OF_A_SCRIPT), ...said.slice(at, at + 2)];
}
