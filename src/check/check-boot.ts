import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectationsOf } from '../seeds/seed-expectations.js';
import type { BootProof, BootWatch, MilestoneName } from '../model/boot-proof.js';
import {
  MILESTONES,
  SMALL_MILESTONES,
  concludeWatch,
  milestoneTitle,
  startWatch,
  watchLine,
} from '../model/boot-proof.js';
import { PASSPHRASE_WANTED, plainText } from '../model/boot-console.js';
import { bootRecordOf } from '../model/boot-record.js';
import { PROBE_OFFSET_BYTES, probeArguments, probeCredentials, probeSectors } from './boot-probe.js';
import { grubCommandLine } from '../formats/grub-cfg.js';
import { COMMAND_LINE_LIMIT, GREETER, SILENCING_WORD, commandLineFor } from '../model/qemu.js';
import type { FirmwareName } from '../model/qemu-firmware.js';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { BootOptions, LoadedMachine } from './boot-image.js';
import { forwardsOf, withLoadedMachine } from './boot-image.js';
import { Patience } from './patience.js';
import { keepBootRecord } from '../images/boot-records.js';
import type { MarkedSystem } from '../images/system-marker.js';
import { checkSmall } from './check-small.js';
import { emptyLog } from './empty-log.js';
import { imageDigest } from '../images/image-digest.js';

export type CheckOptions = BootOptions & {
  /** Where `systems/` lies. */
  readonly projectDir: string;
  /** Default: what MACHINES says of the machine. */
  readonly timeoutSeconds?: number;
  /** The whole console goes here. */
  readonly logFile?: string;
  /** Passphrase of an encrypted root; undefined: such an image is not started. */
  readonly rootPassphrase?: string | undefined;
  /** Have systemd-analyze say where the time went; takes another minute. */
  readonly profile?: boolean;
};

const PROBE = 'systems/boot-check/probe.bash';
/** A word that no image knows by itself. */
const GREETING = 'reswarm-greets';
/** A system that said "Power down" is gone at once; one that stops its services may take systemd's 90 s. */
const POWER_OFF_SECONDS = 120;

const GROUPS: readonly { readonly title: string; readonly stages: readonly (MilestoneName | 'tools' | 'qemu-pc')[] }[] =
  [
    { title: 'Tools', stages: ['tools', 'qemu-pc'] },
    { title: 'Kernel, root file system, systemd', stages: ['kernel', 'root', 'systemd', 'probe'] },
    { title: 'Docker answers', stages: ['docker'] },
    { title: 'No failed units', stages: ['units'] },
    { title: 'Seed obeyed, ssh answers', stages: ['cloud-init', 'accounts', 'hostname', 'ssh'] },
    { title: 'Mounts, root grown to the card, memory', stages: ['mounts', 'root-size', 'memory'] },
    { title: 'A container runs and reaches the network', stages: ['container'] },
    { title: 'Power-off', stages: ['power-off'] },
  ];

/**
 * Boots the image and waits for proof that all of it works. What does not come is in the result, not thrown;
 * thrown is what keeps the boot from being tried: withLoadedMachine's errors, UserError `log-not-writable`,
 * `no-room-for-probe`, `command-line-too-long` and `console-not-shown`.
 */
export async function checkBoot(options: CheckOptions, host: Host, report: Reporter): Promise<BootProof> {
  if (options.logFile !== undefined) await emptyLog(options.logFile);
  return withLoadedMachine(options, host, report, async (loaded) => {
    requirePassphrase(loaded, options);
    if (loaded.files.system !== undefined) return checkSmallCard(loaded, loaded.files.system, options, host, report);
    report.emit({ type: 'planned', groups: GROUPS });
    const handedOver = await placeProbe(loaded, options);
    for (const { name } of MILESTONES) report.emit({ type: 'stage-started', stage: name });
    const expected = expectationsOf(loaded.files.userData, loaded.files.metaData);
    const proof = await watchBoot(loaded, handedOver, startWatch(expected, GREETING), options, host, report);
    const digest = await imageDigest(loaded.rawPath, host);
    if (digest !== undefined) await keepBootRecord(digest, bootRecordOf(proof, MILESTONES, new Date()), host);
    for (const milestone of proof.milestones) {
      if (milestone.seconds === undefined) {
        report.emit({ type: 'stage-failed', stage: milestone.name, durationMs: 0 });
      }
    }
    return proof;
  });
}

/** Throws UserError `root-key-missing`: nobody could type it. */
function requirePassphrase({ name, files }: LoadedMachine, { rootPassphrase }: CheckOptions): void {
  if (!files.cmdlineTxt.split(/\s+/).includes('reswarm.unlock=passphrase') || rootPassphrase !== undefined) return;
  throw new UserError('root-key-missing', `The root of ${name} is encrypted and asks for its passphrase`, {
    hints: ['Name a file that holds it: --root-key FILE'],
  });
}

async function checkSmallCard(
  loaded: LoadedMachine,
  system: MarkedSystem,
  options: CheckOptions,
  host: Host,
  report: Reporter,
): Promise<BootProof> {
  const { machine, files } = loaded;
  // -no-reboot turns the restart after a panic into an end, at once.
  const extra = ['panic=-1', ...(system.check !== undefined && 'command' in system.check ? ['reswarm.check'] : [])];
  const commandLine = commandLineFor(machine, files.cmdlineTxt, extra, { verbose: true });
  const proof = await checkSmall(
    {
      name: machine.name,
      system,
      userData: files.userData,
      metaData: files.metaData,
      sandbox: loaded.sandbox,
      timeoutSeconds: options.timeoutSeconds ?? machine.timeoutSeconds,
      logFile: options.logFile,
      qemu: (forwards) => loaded.qemu({ commandLine, terminal: false, forwards }),
    },
    host,
    report,
  );
  const digest = await imageDigest(loaded.rawPath, host);
  if (digest !== undefined) await keepBootRecord(digest, bootRecordOf(proof, SMALL_MILESTONES, new Date()), host);
  return proof;
}

/** The first milestone that did not come as it must, in words for an error; undefined when all did. */
export function firstFailure(proof: BootProof): { name: MilestoneName; text: string } | undefined {
  const failed = proof.milestones.find((milestone) => !milestone.ok);
  if (failed === undefined) return undefined;
  const why = failed.seconds === undefined ? proof.stopped?.detail : undefined;
  return { name: failed.name, text: `${milestoneTitle(failed.name)}: ${why ?? failed.detail}` };
}

/** What QEMU gets so that the probe runs. */
type HandedOver = Pick<Parameters<LoadedMachine['qemu']>[0], 'commandLine' | 'credentials'>;

async function placeProbe(loaded: LoadedMachine, { projectDir, profile, firmware }: CheckOptions): Promise<HandedOver> {
  const script = await readFile(join(projectDir, PROBE), 'utf8');
  const settings = `GREETER=${GREETER.address}:${GREETER.port}\nPROFILE=${profile === true ? 1 : 0}\n`;
  const sectors = probeSectors(settings + script);
  const first = Math.min(...loaded.table.partitions.map((partition) => partition.offsetBytes));
  if (PROBE_OFFSET_BYTES + sectors.length > first) {
    throw new UserError('no-room-for-probe', `The first partition of ${loaded.name} begins at byte ${first}`, {
      hints: ['The check needs the unused sectors before it: begin the first partition at 1 MiB or later.'],
    });
  }
  if (firmware !== undefined) {
    requireConsole(loaded, firmware);
    await loaded.writeCard(sectors, PROBE_OFFSET_BYTES);
    return { commandLine: '', credentials: probeCredentials(sectors.length) };
  }
  // -no-reboot turns the restart after a panic into an end, at once.
  const extra = ['panic=-1', ...probeArguments(sectors.length)];
  const commandLine = commandLineFor(loaded.machine, loaded.files.cmdlineTxt, extra, { verbose: true });
  if (commandLine.length > COMMAND_LINE_LIMIT) {
    throw new UserError(
      'command-line-too-long',
      `With the probe the kernel command line has ${commandLine.length} characters; the kernel takes ${COMMAND_LINE_LIMIT}`,
      { hints: ['Shorten cmdline.txt.'] },
    );
  }
  await loaded.writeCard(sectors, PROBE_OFFSET_BYTES);
  return { commandLine };
}

/**
 * The console tells how a boot goes; where nothing is handed over, only the image's own command line can have the kernel
 * write to it. Throws UserError `console-not-shown`.
 */
function requireConsole({ machine, files, name }: LoadedMachine, firmware: FirmwareName): void {
  const found = grubCommandLine(files.grubCfg) ?? '';
  const words = found.split(/\s+/);
  const [port = ''] = machine.console.split(',');
  const isTold = words.some((word) => word === `console=${port}` || word.startsWith(`console=${port},`));
  const silent = words.filter((word) => SILENCING_WORD.test(word));
  if (isTold && silent.length === 0) return;
  const why = isTold ? `its command line has ${silent.join(' ')}` : `its command line has no console=${port}`;
  throw new UserError(
    'console-not-shown',
    `Started by ${firmware.toUpperCase()}, ${name} does not show on its console how it starts: ${why}`,
    { hints: [`Change the line \`linux\` of grub.cfg on its boot partition, or leave --firmware out.`] },
  );
}

async function watchBoot(
  loaded: LoadedMachine,
  handedOver: HandedOver,
  initial: BootWatch,
  options: CheckOptions,
  host: Host,
  report: Reporter,
): Promise<BootProof> {
  const started = performance.now();
  const sinceStart = (): number => (performance.now() - started) / 1000;
  let watch = initial;
  const qemu = loaded.qemu({ ...handedOver, terminal: false, greeting: GREETING });
  // A port on this machine needs its network; the check itself needs none.
  const sandbox = { ...loaded.sandbox, network: forwardsOf(options).length > 0 };
  const running = host.startIn(sandbox, qemu, {
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    takesInput: true,
    onLine: (line) => {
      if (PASSPHRASE_WANTED.test(plainText(line))) running.write(`${options.rootPassphrase ?? ''}\n`);
      const before = watch;
      watch = watchLine(before, line, sinceStart());
      emitReached(before, watch, report);
      if (watch.fatal !== undefined) void running.stop();
      if (watch.finished && !before.finished) patience.allow(POWER_OFF_SECONDS, 'it did not power off');
    },
  });
  const patience = new Patience(running, sinceStart);
  patience.allow(options.timeoutSeconds ?? loaded.machine.timeoutSeconds, 'it did not come');
  try {
    const { exitCode } = await running.exited;
    host.signal.throwIfAborted();
    let { stopped } = patience;
    if (stopped === undefined && watch.fatal === undefined && !(watch.finished && exitCode === 0)) {
      const ended = exitCode === undefined ? 'was killed' : `ended with exit code ${exitCode}`;
      stopped = { code: 'machine-ended', detail: `the machine ${ended} or restarted` };
    }
    return concludeWatch(loaded.machine.name, watch, patience.clock, stopped);
  } finally {
    patience.end();
    await running.stop();
  }
}

function emitReached(before: BootWatch, after: BootWatch, report: Reporter): void {
  if (before.reached === after.reached) return;
  for (const milestone of after.reached.values()) {
    if (before.reached.has(milestone.name)) continue;
    const durationMs = Math.round((milestone.seconds ?? 0) * 1000);
    if (milestone.name === 'latency') {
      report.emit({ type: 'notice', text: milestone.detail });
      continue;
    }
    report.emit({ type: 'stage-step', stage: milestone.name, text: milestone.detail });
    report.emit(
      milestone.ok
        ? { type: 'stage-finished', stage: milestone.name, cached: false, durationMs, key: '' }
        : { type: 'stage-failed', stage: milestone.name, durationMs },
    );
  }
}
