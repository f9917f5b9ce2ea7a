import { setTimeout as wait } from 'node:timers/promises';
import { readConsoleLine, plainText } from '../model/boot-console.js';
import { commandLineFor } from '../model/qemu.js';
import type { SshTarget } from './ssh-command.js';
import { sshCommand } from './ssh-command.js';
import { ReswarmError } from '../errors.js';
import type { Host, RunningProgram } from '../host/host.js';
import { answersAsSsh, freePort } from '../host/tcp-port.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { BootOptions, LoadedMachine } from './boot-image.js';
import { withLoadedMachine } from './boot-image.js';
import { withMountedImage } from '../images/mounted-image.js';
import { findLogin } from './ssh-login.js';

export type SshOptions = BootOptions & {
  readonly identity?: string;
  readonly keyFolder: string;
  /** What ssh needs of our own environment: TERM, SSH_AUTH_SOCK. */
  readonly environment: Readonly<Record<string, string>>;
  /** Run this there instead of a shell. */
  readonly command?: string;
  readonly timeoutSeconds?: number;
};

const BANNER_TIMEOUT_MS = 5_000;
const POLL_MS = 1_000;
const TAIL_LINES = 20;
/** Keys are there before sshd is (cloud-init-network.service runs Before=ssh.service); emulated, a login may still fail once. */
const LOGIN_TRIES = 10;
const POWER_OFF_MS = 90_000;

/**
 * Boots the image, logs in by ssh as soon as its server answers, and ends the machine after that. Throws what
 * withLoadedMachine and findLogin throw, and ReswarmError `ssh-no-answer`.
 */
export async function sshIntoImage(
  options: SshOptions,
  host: Host,
  report: Reporter,
): Promise<{ readonly exitCode: number }> {
  const port = options.sshPort ?? (await freePort());
  return withLoadedMachine({ ...options, sshPort: port }, host, report, async (loaded) => {
    const login = await findLogin({
      image: options.image,
      userData: loaded.files.userData,
      defaultUser: await defaultUser(loaded.rawPath, host),
      ...(options.identity === undefined ? {} : { identity: options.identity }),
      keyFolder: options.keyFolder,
      hasAgent: options.environment.SSH_AUTH_SOCK !== undefined,
    });
    const target: SshTarget = { port, ...login };
    const machine = startMachine(loaded, host);
    try {
      report.emit({ type: 'notice', text: `Starting; its ssh server will be at 127.0.0.1:${port}.` });
      await waitForLogin(machine, target, options, host);
      const words = options.command === undefined ? [] : [options.command];
      const { env, ...command } = { ...sshCommand(target, [], words), env: options.environment };
      const exit = await host.attach({ ...command, env });
      if (options.snapshot !== undefined) await powerOff(machine, target, options, host);
      return { exitCode: exit.exitCode ?? 1 };
    } finally {
      await machine.program.stop();
    }
  });
}

type Watched = {
  readonly program: RunningProgram;
  readonly tail: string[];
  /** How long to wait for it where nobody says so. */
  readonly timeoutSeconds: number;
  ended: boolean;
  fatal?: string;
};

function startMachine(loaded: LoadedMachine, host: Host): Watched {
  const tail: string[] = [];
  const commandLine = commandLineFor(loaded.machine, loaded.files.cmdlineTxt, []);
  const program = host.startIn({ ...loaded.sandbox, network: true }, loaded.qemu({ commandLine, terminal: false }), {
    onLine: (line) => {
      const text = plainText(line);
      if (text === '') return;
      tail.push(text);
      if (tail.length > TAIL_LINES) tail.shift();
      const event = readConsoleLine(text);
      if (event?.kind === 'fatal') watched.fatal ??= event.detail;
    },
  });
  const watched: Watched = { program, tail, timeoutSeconds: loaded.machine.timeoutSeconds, ended: false };
  void program.exited
    .catch(() => undefined)
    .then(() => {
      watched.ended = true;
    });
  return watched;
}

async function waitForLogin(machine: Watched, target: SshTarget, options: SshOptions, host: Host): Promise<void> {
  const seconds = options.timeoutSeconds ?? machine.timeoutSeconds;
  const until = performance.now() + seconds * 1000;
  const requireHope = (): void => {
    host.signal.throwIfAborted();
    const why = machine.fatal ?? (machine.ended ? 'the machine ended' : undefined);
    if (why === undefined && performance.now() < until) return;
    throw new ReswarmError('ssh-no-answer', `No ssh server answered: ${why ?? `not within ${seconds} s`}`, {
      details: ['The console ended with:', ...machine.tail],
      hints: ['Start it without --ssh to see its console.'],
    });
  };
  while (!(await answersAsSsh(target.port, BANNER_TIMEOUT_MS))) {
    requireHope();
    await wait(POLL_MS, undefined, { signal: host.signal }).catch(() => undefined);
  }
  for (let tries = 0; tries < LOGIN_TRIES; tries += 1) {
    requireHope();
    const probe = { ...sshCommand(target, ['-o', 'BatchMode=yes'], ['true']), env: options.environment };
    const { exitCode } = await host.run(probe, { okExitCodes: [0, 255] });
    if (exitCode === 0) return;
    await wait(POLL_MS, undefined, { signal: host.signal }).catch(() => undefined);
  }
  // A key with a passphrase: only ssh on a terminal can ask for it.
}

/** In good order, so that what was written is in the snapshot. */
async function powerOff(machine: Watched, target: SshTarget, options: SshOptions, host: Host): Promise<void> {
  const words = ['sync; sudo -n systemctl poweroff || systemctl poweroff'];
  const command = { ...sshCommand(target, ['-o', 'BatchMode=yes'], words), env: options.environment };
  await host.run(command, { okExitCodes: Array.from({ length: 256 }, (_, code) => code) });
  const tooLong = new AbortController();
  await Promise.race([
    machine.program.exited,
    wait(POWER_OFF_MS, undefined, { signal: AbortSignal.any([host.signal, tooLong.signal]) }).catch(() => undefined),
  ]);
  tooLong.abort();
}

/** Whom the image's cloud-init makes when the seed says `default`; Debian's own is called debian. */
async function defaultUser(image: string, host: Host): Promise<string> {
  return withMountedImage(image, host, async ({ files }) => {
    const config = (await files.text('/etc/cloud/cloud.cfg')) ?? '';
    return /^ +default_user:\n(?: .*\n)*? +name: *["']?([a-z_][\w-]*)/m.exec(config)?.[1] ?? 'debian';
  });
}
