import { basename, dirname, join } from 'node:path';
import { httpFault } from '../../check/http-check.js';
import { Patience } from '../../check/patience.js';
import { UserError } from '../../errors.js';
import type { Host, RunningProgram } from '../../host/host.js';
import { readLocal } from '../../host/http-request.js';
import { hasKvm } from '../../host/kvm.js';
import { freePort } from '../../host/tcp-port.js';
import type { Architecture } from '../../model/architecture.js';
import type { Command } from '../../model/command.js';
import type { Machine, PortForward } from '../../model/qemu.js';
import { defaultMachine } from '../../model/qemu.js';
import type { Sandbox } from '../../model/sandbox.js';
import type { ExerciseStep, Workload } from '../../model/workload.js';

/** The machine that is watched. Paths are those of this machine. */
export type TraceMachine = {
  readonly architecture: Architecture;
  /** Root of a tree that has its QEMU. */
  readonly qemu: string;
  readonly kernel: string;
  readonly disk: string;
};

/** How long the workload may take to pass its check, in seconds of the machine's own, and what a request may take. */
const CHECK_SECONDS = 300;
const REQUEST_MS = 60_000;
const LOOK_EVERY_MS = 250;
const CONSOLE_LINES = 20;
/** native/minimal-init/trace.c answers there. */
const TRACE_PORT = 8099;
const MEMORY_MIB = 1024;
/** QEMU's user network, for kernels that ask for no address themselves. */
const ADDRESS = 'reswarm.address=10.0.2.15/24,10.0.2.2,10.0.2.3';

/**
 * Boots the whole tree, waits until the check passes, does the exercise and asks the init for what was read. Throws
 * UserError `workload-check-failed`, `workload-ended` and `workload-exercise-failed`, with the tail of the console.
 *
 * @returns lines "read PATH" and "asked PATH"
 */
export async function watchWorkload(
  machine: TraceMachine,
  workload: Workload,
  host: Host,
  onStep: (text: string) => void,
): Promise<readonly string[]> {
  const forwards: PortForward[] = [];
  for (const guestPort of [...workload.ports, TRACE_PORT]) forwards.push({ guestPort, hostPort: await freePort() });
  const hostPort = (port: number): number => forwards.find(({ guestPort }) => guestPort === port)?.hostPort ?? port;
  const started = performance.now();
  const watch = new ConsoleWatch();
  const { sandbox, command } = await qemu(machine, forwards, host);
  const running = host.startIn(sandbox, command, {
    onLine: (line) => {
      watch.take(line);
    },
  });
  void running.exited.then(({ exitCode }) => {
    watch.gone ??= exitCode === undefined ? 'it was ended' : `it ended with exit code ${exitCode}`;
  });
  const patience = new Patience(running, () => (performance.now() - started) / 1000);
  patience.allow(CHECK_SECONDS, 'the check did not pass');
  const session = { workload, host, hostPort, watch, running, patience };
  try {
    onStep('starting the machine');
    await passCheck(session);
    patience.allow(CHECK_SECONDS, 'the exercise did not end');
    for (const step of workload.exercise) {
      onStep(`exercise: ${'script' in step ? basename(step.script) : step.http.path}`);
      await doStep(step, session);
    }
    onStep('fetching what was read');
    const text = await readLocal(hostPort(TRACE_PORT), REQUEST_MS);
    if (text?.endsWith('end\n') !== true) throw failed('workload-check-failed', 'The trace was not answered', session);
    return text.split('\n').slice(0, -2);
  } finally {
    patience.end();
    await running.stop();
  }
}

type Session = {
  readonly workload: Workload;
  readonly host: Host;
  readonly hostPort: (port: number) => number;
  readonly watch: ConsoleWatch;
  readonly running: RunningProgram;
  readonly patience: Patience;
};

/** What the console said. */
class ConsoleWatch {
  private readonly lines: string[] = [];
  private readonly said = new Set<string>();
  /** What the init says of the command's end. */
  ended: string | undefined;
  /** How the machine itself ended. */
  gone: string | undefined;

  take(raw: string): void {
    const line = raw.trimEnd();
    if (line !== '') this.lines.push(line);
    const status = /reswarm: (.+)$/.exec(line)?.[1];
    if (status === undefined) return;
    this.said.add(status);
    if (/^(?:ended |error (?:command|user|folder|settings|trace|watch)-)/.test(status)) this.ended ??= status;
  }

  has(status: string): boolean {
    return this.said.has(status);
  }

  get tail(): readonly string[] {
    return this.lines.slice(-CONSOLE_LINES);
  }
}

async function passCheck(session: Session): Promise<void> {
  const { check } = session.workload;
  let answer = 'nobody answered';
  for (;;) {
    stillRuns(session, answer);
    if (check === undefined) {
      if (session.watch.has('ready')) return;
    } else if ('command' in check) {
      if (session.watch.has('check passed')) return;
      answer = 'its command did not end with 0';
    } else {
      const fault = await httpFault(check.http, session.hostPort(check.http.port), REQUEST_MS);
      if (fault === undefined) return;
      answer = fault;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function stillRuns(session: Session, answer: string): void {
  const { host, watch, patience, workload } = session;
  host.signal.throwIfAborted();
  // A command that does its work and ends is no failure where nothing else proves it.
  const isDone = workload.check === undefined && watch.ended === 'ended with 0';
  if (watch.ended !== undefined && !isDone) {
    throw failed('workload-ended', `${workload.command[0]} did not stay: ${watch.ended}`, session);
  }
  const { stopped } = patience;
  if (stopped === undefined && watch.gone !== undefined) {
    throw failed('workload-check-failed', `The machine did not stay: ${watch.gone}`, session);
  }
  if (stopped === undefined) return;
  throw failed('workload-check-failed', `The check never passed: ${answer} (${stopped.detail})`, session);
}

async function doStep(step: ExerciseStep, session: Session): Promise<void> {
  if ('http' in step) {
    const fault = await httpFault(step.http, session.hostPort(step.http.port), REQUEST_MS);
    if (fault !== undefined) throw failed('workload-exercise-failed', `The exercise failed: ${fault}`, session);
    return;
  }
  const { workload, host, hostPort } = session;
  const env = Object.fromEntries(workload.ports.map((port) => [`RESWARM_PORT_${port}`, hostPort(port).toString()]));
  const cwd = dirname(step.script);
  const { exitCode, stderr } = await host.run({ file: step.script, args: [], env, cwd }, { okExitCodes: ANY_CODE });
  if (exitCode === 0) return;
  const last = stderr.trim().split('\n').at(-1) ?? '';
  const what = `${step.script} ended with ${exitCode}${last === '' ? '' : `: ${last}`}`;
  throw failed('workload-exercise-failed', `The exercise failed: ${what}`, session);
}

const ANY_CODE = Array.from({ length: 256 }, (_, code) => code);

type FailureCode = 'workload-check-failed' | 'workload-ended' | 'workload-exercise-failed';

const HINTS: Readonly<Record<FailureCode, string>> = {
  'workload-check-failed': 'See what the console says last; try the command with all its packages on any Debian.',
  'workload-ended': 'See what the console says last: the command must stay in the foreground.',
  'workload-exercise-failed': 'Mend the workload, or the step of its exercise.',
};

function failed(code: FailureCode, message: string, { watch, workload }: Session): UserError {
  const problem = { code, message, hint: HINTS[code], ...workload.at.check };
  return new UserError(code, message, {
    details: ['last lines of the console:', ...watch.tail],
    hints: [HINTS[code]],
    problems: [problem],
  });
}

/** Where the sandbox has its files. */
const INSIDE = '/run/trace';

async function qemu(
  machine: TraceMachine,
  forwards: readonly PortForward[],
  host: Host,
): Promise<{ sandbox: Sandbox; command: Command }> {
  const model = defaultMachine(machine.architecture);
  const isNative = machine.architecture === host.facts.architecture && (await hasKvm(machine.architecture));
  const mounts = [
    { source: machine.kernel, target: join(INSIDE, 'kernel') },
    { source: machine.disk, target: join(INSIDE, 'disk') },
    ...(isNative ? [{ source: '/dev/kvm', target: '/dev/kvm', device: true }] : []),
  ];
  return {
    sandbox: { root: machine.qemu, mounts, network: true },
    command: traceCommand(model, forwards, { cpus: Math.min(host.facts.cpus, 4), isNative }),
  };
}

/** QEMU with the kernel and the disk alone; the console is its stdout. */
export function traceCommand(
  { name, architecture, console: line }: Machine,
  forwards: readonly PortForward[],
  { cpus, isNative }: { readonly cpus: number; readonly isNative: boolean },
): Command {
  const isPc = architecture === 'amd64';
  const bus = isPc ? 'pci' : 'device';
  const words = `console=${line} root=/dev/vda rootfstype=squashfs ro init=/init panic=-1 net.ifnames=0 quiet loglevel=4`;
  const cpu = isPc ? 'max,arch-capabilities=off' : isNative ? 'max' : 'cortex-a53';
  const ports = forwards.map(({ hostPort, guestPort }) => `hostfwd=tcp:127.0.0.1:${hostPort}-:${guestPort}`);
  return {
    file: isPc ? 'qemu-system-x86_64' : 'qemu-system-aarch64',
    args: [
      ...['-machine', name, '-cpu', cpu, '-smp', cpus.toString(), '-m', `${MEMORY_MIB}M`],
      ...(isNative ? ['-accel', 'kvm'] : []),
      ...['-accel', 'tcg,thread=multi', '-nodefaults', '-no-reboot', '-display', 'none', '-monitor', 'none'],
      ...['-serial', 'stdio', '-kernel', join(INSIDE, 'kernel')],
      ...['-append', `${words} ${ADDRESS} reswarm.trace reswarm.check`],
      ...['-drive', `file=${join(INSIDE, 'disk')},format=raw,if=none,id=disk,readonly=on`],
      ...['-device', `virtio-blk-${bus},drive=disk`],
      ...['-netdev', ['user,id=net', ...ports].join(',')],
      ...['-device', `virtio-net-${bus},netdev=net${isPc ? ',romfile=' : ''}`, '-device', `virtio-rng-${bus}`],
    ],
  };
}
