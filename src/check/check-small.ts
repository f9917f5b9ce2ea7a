import type { Host, RunningProgram } from '../host/host.js';
import { answersAsSsh, freePort } from '../host/tcp-port.js';
import type { MarkedSystem } from '../images/system-marker.js';
import type { BootProof } from '../model/boot-proof.js';
import type { Command } from '../model/command.js';
import type { MachineName, PortForward } from '../model/qemu.js';
import type { Sandbox } from '../model/sandbox.js';
import type { SmallWatch } from '../model/small-boot.js';
import {
  concludeSmall,
  isSmallDone,
  reachSmall,
  smallMilestones,
  startSmallWatch,
  watchSmallLine,
} from '../model/small-boot.js';
import type { Reporter } from '../pipeline/reporter.js';
import { expectationsOf } from '../seeds/seed-expectations.js';
import { httpFault } from './http-check.js';
import { Patience } from './patience.js';

/** A machine with a small system, ready to be started. */
export type SmallMachine = {
  readonly name: MachineName;
  readonly system: MarkedSystem;
  readonly userData: string;
  readonly metaData: string;
  readonly sandbox: Sandbox;
  readonly timeoutSeconds: number;
  readonly logFile?: string | undefined;
  /** QEMU's call, its serial line on stdio. */
  qemu(forwards: readonly PortForward[]): Command;
};

const LOOK_EVERY_MS = 250;
const ANSWER_MS = 10_000;
const POWER_OFF_SECONDS = 60;
/** Typed at the console; the sum is in the answer and not in the question. */
const QUESTION = 'echo reswarm-$((6 * 7))-answers\n';
const ANSWER = 'reswarm-42-answers';

/**
 * Boots a system without cloud-init and waits for what it says of itself, for a shell that answers on its console, for
 * its ssh server and for its workload's check. What does not come is in the result, not thrown.
 */
export async function checkSmall(machine: SmallMachine, host: Host, report: Reporter): Promise<BootProof> {
  const { system } = machine;
  const expected = expectationsOf(machine.userData, machine.metaData);
  const session = new Session(
    startSmallWatch({ ...system, expected, hasSeed: machine.userData !== '' || machine.metaData !== '' }),
    report,
  );
  for (const stage of smallMilestones(session.watch)) report.emit({ type: 'stage-started', stage });
  const forwards = await forwardsOf(system);
  const sandbox = { ...machine.sandbox, network: true };
  const started = performance.now();
  const sinceStart = (): number => (performance.now() - started) / 1000;
  const running = host.startIn(sandbox, machine.qemu(forwards), {
    takesInput: true,
    ...(machine.logFile === undefined ? {} : { logFile: machine.logFile }),
    onLine: (line) => {
      session.update(watchSmallLine(session.watch, line, sinceStart()));
      if (line.includes(ANSWER)) session.reach('shell', true, 'sh answers', sinceStart());
    },
  });
  let ended: string | undefined;
  const exited = running.exited.then(
    ({ exitCode }) => {
      ended = exitCode === undefined ? 'was killed' : `ended with exit code ${exitCode}`;
    },
    () => {
      ended = 'did not start';
    },
  );
  const patience = new Patience(running, sinceStart);
  patience.allow(machine.timeoutSeconds, 'it did not come');
  try {
    while (ended === undefined && session.watch.panic === undefined && patience.stopped === undefined) {
      host.signal.throwIfAborted();
      await look(session, running, forwards, system, sinceStart);
      if (isSmallDone(session.watch)) break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    if (isSmallDone(session.watch) && system.userland === 'busybox') {
      patience.allow(POWER_OFF_SECONDS, 'it did not power off');
      running.write('poweroff\n');
      await exited;
    }
    // Where it could not be started, the reason is in the error.
    if (ended === 'did not start') await running.exited;
    host.signal.throwIfAborted();
    return conclude(machine, session, patience, ended);
  } finally {
    patience.end();
    await running.stop();
  }
}

function conclude(
  machine: SmallMachine,
  { watch, workloadFault }: Session,
  patience: Patience,
  ended: string | undefined,
): BootProof {
  let { stopped } = patience;
  if (stopped !== undefined && workloadFault !== undefined && !watch.reached.has('workload')) {
    stopped = { ...stopped, detail: `${workloadFault} (${stopped.detail})` };
  }
  const isOff = watch.reached.has('power-off');
  if (stopped === undefined && ended !== undefined && !isOff) {
    stopped = { code: 'machine-ended', detail: `the machine ${ended} or restarted` };
  }
  return concludeSmall(machine.name, watch, patience.clock, stopped);
}

class Session {
  /** What was wrong with the last answer of the workload. */
  workloadFault: string | undefined;
  private asked = 0;

  constructor(
    public watch: SmallWatch,
    private readonly report: Reporter,
  ) {}

  update(next: SmallWatch): void {
    const before = this.watch;
    this.watch = next;
    for (const { name, ok, seconds = 0, detail } of next.reached.values()) {
      if (before.reached.has(name)) continue;
      const durationMs = Math.round(seconds * 1000);
      this.report.emit({ type: 'stage-step', stage: name, text: detail });
      const end = ok ? { type: 'stage-finished', cached: false, key: '' } : { type: 'stage-failed' };
      this.report.emit({ ...end, stage: name, durationMs } as Parameters<Reporter['emit']>[0]);
    }
  }

  reach(...[name, ok, detail, seconds]: [Parameters<typeof reachSmall>[1], boolean, string, number]): void {
    this.update(reachSmall(this.watch, name, ok, detail, seconds));
  }

  /** The shell starts when somebody presses Enter; a question may get lost before it is there. */
  ask(running: RunningProgram, seconds: number): void {
    if (seconds - this.asked < 2) return;
    this.asked = seconds;
    running.write(`\n${QUESTION}`);
  }
}

async function look(
  session: Session,
  running: RunningProgram,
  forwards: readonly PortForward[],
  { userland, hasSsh, check }: MarkedSystem,
  sinceStart: () => number,
): Promise<void> {
  if (!session.watch.reached.has('ready')) return;
  if (userland === 'busybox' && !session.watch.reached.has('shell')) session.ask(running, sinceStart());
  const hostPort = (guestPort: number): number => forwards.find((one) => one.guestPort === guestPort)?.hostPort ?? 0;
  if (hasSsh && !session.watch.reached.has('ssh') && (await answersAsSsh(hostPort(SSH_PORT), ANSWER_MS))) {
    session.reach('ssh', true, 'answers', sinceStart());
  }
  if (userland !== 'workload' || session.watch.reached.has('workload')) return;
  if (check === undefined) {
    session.reach('workload', true, 'started; it has no check', sinceStart());
  } else if ('http' in check) {
    const { port, path, status } = check.http;
    const fault = await httpFault(check.http, hostPort(port), ANSWER_MS);
    if (fault === undefined) session.reach('workload', true, `:${port}${path} answers ${status}`, sinceStart());
    else session.workloadFault = fault;
  }
}

const SSH_PORT = 22;

async function forwardsOf({ hasSsh, check }: MarkedSystem): Promise<readonly PortForward[]> {
  const ports = [...(hasSsh ? [SSH_PORT] : []), ...(check !== undefined && 'http' in check ? [check.http.port] : [])];
  return Promise.all(ports.map(async (guestPort) => ({ guestPort, hostPort: await freePort() })));
}
