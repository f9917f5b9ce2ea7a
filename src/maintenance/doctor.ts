import { formatCommand, type Command } from '../model/command.js';
import { CommandError, type ReswarmError, UserError } from '../errors.js';
import { mountBinfmtCommand, registerCommand, registration, unregisterCommand, worksInChroot } from '../host/binfmt.js';
import { checkSystem, isReady, type HostCheck } from '../host/host-checks.js';
import { packageManagerOf } from '../host/host-packages.js';
import type { Host } from '../host/host.js';
import { readSystemState, type SystemState } from '../host/system-state.js';
import type { Reporter } from '../pipeline/reporter.js';

export type HostReport = {
  readonly ready: boolean;
  readonly checks: readonly HostCheck[];
  /** What `doctor --fix` would run next; undefined when nothing is missing or no program can mend it. */
  readonly fix?: HostFix;
};

/** Commands that bring something that is missing. They change the host, so they are shown before they run. */
export type HostFix = {
  readonly title: string;
  readonly commands: readonly Command[];
  /** False on distributions where the names of the packages are a guess: shown, never run. */
  readonly isTried: boolean;
};

/** Shows what is to be run; true to go on. */
export type Confirm = (fix: HostFix) => Promise<boolean>;

/** Package lists older than this may name packages that the archive has replaced since. */
const STALE_LISTS_MS = 24 * 60 * 60 * 1000;

/** What of a build's requirements is there. @param root where the machine's files are looked for; for tests */
export async function checkHost(host: Host, root = '/'): Promise<HostReport> {
  const state = await readSystemState(host, root);
  const checks = checkSystem(state);
  const fix = nextFix(state, checks);
  return { ready: isReady(checks), checks, ...(fix === undefined ? {} : { fix }) };
}

/**
 * Brings what is missing and can be brought, one step after the other, each one only after `confirm` (undefined: agreed
 * beforehand). What it cannot
 * mend stays `missing` in the report.
 *
 * Throws UserError `host-needs-root` (with the sudo commands), `host-packages-unknown` (on distributions whose package
 * manager it only names), `host-fix-declined`; CommandError `host-fix-failed` with the program's own words.
 */
export async function installMissing(
  host: Host,
  reporter: Reporter,
  confirm: Confirm | undefined,
  root = '/',
): Promise<HostReport> {
  let previous: string | undefined;
  for (;;) {
    const report = await checkHost(host, root);
    const { fix } = report;
    if (fix === undefined) return report;
    const text = describeFix(fix).join('\n');
    // The same step again means that it has not helped: what is wrong stands in the report.
    if (text === previous) return report;
    previous = text;
    if (!fix.isTried) throw packagesUnknown(fix);
    if (host.facts.privilege !== 'root') throw needsRoot(fix);
    if (confirm !== undefined && !(await confirm(fix))) throw declined(fix);
    await runFix(fix, host, reporter);
  }
}

/**
 * Before a build: asks no program for its version, and where nothing is missing no more is done. Otherwise brings what
 * can be brought. Throws what `installMissing` throws, and UserError `host-not-ready` for what cannot.
 */
export async function makeHostReady(
  host: Host,
  reporter: Reporter,
  confirm: Confirm | undefined,
  root = '/',
): Promise<void> {
  if (isReady(checkSystem(await readSystemState(host, root, 'presence')))) return;
  assertHostReady(await installMissing(host, reporter, confirm, root));
}

/** Throws UserError `host-not-ready` that names everything that is missing. */
export function assertHostReady(report: HostReport): void {
  if (report.ready) return;
  const missing = report.checks.filter(({ status }) => status === 'missing');
  throw new UserError('host-not-ready', 'This machine lacks what a build needs', {
    details: missing.flatMap(({ title, detail, hint }) => [
      `${title}: ${detail}`,
      ...(hint === undefined ? [] : [`    ${hint}`]),
    ]),
    hints: [
      report.fix === undefined ? '`reswarm-os doctor` lists all requirements.' : '`reswarm-os doctor --fix` brings it.',
    ],
    problems: missing.map(({ id, title, detail, hint }) => ({
      code: `host-${id}`,
      message: `${title}: ${detail}`,
      ...(hint === undefined ? {} : { hint }),
    })),
  });
}

/** The commands as a person would type them; what a program reads from its input comes through a pipe. */
export function describeFix(fix: HostFix, prefix = ''): readonly string[] {
  return fix.commands.map((command) => {
    const line = `${prefix}${formatCommand({ file: command.file, args: command.args })}`;
    return command.stdin === undefined
      ? line
      : `${formatCommand({ file: 'printf', args: ['%s', command.stdin] })} | ${line}`;
  });
}

/** The next step: packages first, since they may bring the emulator, then its registration. */
function nextFix(state: SystemState, checks: readonly HostCheck[]): HostFix | undefined {
  const missing = checks.filter(({ status }) => status === 'missing');
  const packages = missing.flatMap((check) => check.packages ?? []);
  if (packages.length > 0) {
    const manager = packageManagerOf(state.os);
    if (manager === undefined) return undefined;
    const isStale = (state.packageListAgeMs ?? Number.POSITIVE_INFINITY) > STALE_LISTS_MS;
    const refresh = isStale && manager.refresh !== undefined ? [manager.refresh] : [];
    const commands = [...refresh, manager.install(packages)];
    return { title: 'Install packages', commands, isTried: manager.tried };
  }
  return missing.some(({ id }) => id === 'binfmt') ? binfmtFix(state.binfmt) : undefined;
}

function binfmtFix({ isMounted, handler, emulator, ownLine }: SystemState['binfmt']): HostFix | undefined {
  if (emulator === undefined) return undefined;
  if (!isMounted) {
    // Only when it is mounted can be seen what is registered already.
    return { title: "Show the kernel's handlers of programs", commands: [mountBinfmtCommand()], isTried: true };
  }
  const isUseless = handler !== undefined && !worksInChroot(handler);
  return {
    title: 'Let the kernel run arm64 programs',
    commands: [
      ...(isUseless ? [unregisterCommand(handler.name)] : []),
      registerCommand(registration(emulator, ownLine)),
    ],
    isTried: true,
  };
}

async function runFix(fix: HostFix, host: Host, reporter: Reporter): Promise<void> {
  const lines = describeFix(fix);
  for (const [index, command] of fix.commands.entries()) {
    reporter.emit({ type: 'notice', text: `$ ${lines[index] ?? command.file}` });
    try {
      await host.run(command, {
        onLine: (text) => {
          reporter.emit({ type: 'notice', text: `  ${text}` });
        },
      });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new CommandError('host-fix-failed', `${fix.title}: ${error.message}`, {
        details: error.details,
        hints: [`It was: ${lines[index] ?? command.file}`, ...error.hints],
        cause: error,
      });
    }
  }
}

function packagesUnknown(fix: HostFix): ReswarmError {
  return new UserError(
    'host-packages-unknown',
    'Packages are missing, and on this distribution only you can install them',
    {
      hints: [asList('Something like this brings them (names may differ in your release):', describeFix(fix, 'sudo '))],
    },
  );
}

function needsRoot(fix: HostFix): ReswarmError {
  return new UserError('host-needs-root', `${fix.title}: only root may do that`, {
    hints: [asList('Run this, then start again:', describeFix(fix, 'sudo '))],
  });
}

function declined(fix: HostFix): ReswarmError {
  return new UserError('host-fix-declined', `${fix.title}: not done, as you said`, {
    hints: [asList('To do it yourself:', describeFix(fix))],
  });
}

function asList(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `  ${line}`)].join('\n');
}
