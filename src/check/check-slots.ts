import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StartEnd } from '../boot/pi-firmware.js';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { readConsoleLine } from '../model/boot-console.js';
import type { BootProof, Milestone, MilestoneName } from '../model/boot-proof.js';
import { FAILED_UPDATE_MILESTONES, SLOT_MILESTONES, UPDATE_MILESTONES } from '../model/boot-proof.js';
import { wasHeldUp } from '../model/machine-clock.js';
import { facts, words } from '../model/boot-facts.js';
import type { Json } from '../model/json.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { CheckOptions } from './check-boot.js';
import { PROBE_OFFSET_BYTES, probeArguments, probeSectors } from './boot-probe.js';
import { appendLog, emptyLog } from './empty-log.js';
import type { Ended, FirmwareMachine } from './firmware-machine.js';
import { withFirmwareMachine } from './firmware-machine.js';

/** Ways in which an update can be made to fail. */
export const UPDATE_FAILURES = ['panic', 'hang', 'unhealthy', 'cut'] as const;
export type UpdateFailure = (typeof UPDATE_FAILURES)[number];

export type SlotCheckOptions = CheckOptions & {
  /** A bundle that is installed on the way. */
  readonly update?: string;
  readonly fail?: UpdateFailure;
};

const PROBE = 'systems/boot-check/slots.bash';
const BUNDLE = 'reswarm-bundle';
/** Of processor time, for each start: systemd, Docker, and the installation of a bundle. */
const START_SECONDS = 900;
/** Words that make the kernel of a trial fail as asked. */
const FAILING_WORDS: Readonly<Partial<Record<UpdateFailure, readonly string[]>>> = {
  panic: ['init=/reswarm-asked-to-fail'],
  hang: ['init=/bin/sleep', '--', 'infinity'],
};
const EXPECTED_END: Readonly<Record<UpdateFailure, StartEnd['kind']>> = {
  panic: 'panic',
  hang: 'watchdog',
  unhealthy: 'reboot',
  cut: 'power-cut',
};

/**
 * Starts an image with two slots as a Raspberry Pi's firmware would, and proves that it is healthy; with a bundle, that
 * the update stays, or that one which fails as asked leads back to the old slot with the reason told. What does not come is in the
 * result. Throws what `withFirmwareMachine` throws, UserError `bundle-not-readable`, `log-not-writable`.
 */
export async function checkSlots(options: SlotCheckOptions, host: Host, report: Reporter): Promise<BootProof> {
  if (options.logFile !== undefined) await emptyLog(options.logFile);
  const bundle = options.update === undefined ? undefined : await bundleOf(options.update);
  const medium = bundle === undefined ? {} : { medium: { name: BUNDLE, path: bundle.path } };
  return withFirmwareMachine({ ...options, ...medium }, host, report, async (machine) => {
    const check = new SlotCheck(machine, options, bundle?.sizeBytes ?? 0, report);
    await check.run();
    return check.proof();
  });
}

async function bundleOf(path: string): Promise<{ readonly path: string; readonly sizeBytes: number }> {
  const status = await stat(path).catch(() => undefined);
  if (status?.isFile() === true) return { path, sizeBytes: status.size };
  throw new UserError('bundle-not-readable', `There is no bundle ${path}`, {
    hints: ['reswarm-os bundle IMAGE --key DIR --output FILE.raucb makes one.'],
  });
}

type Step = 'install' | 'trial' | 'look';
type Facts = ReadonlyMap<string, Json>;

class SlotCheck {
  private readonly milestones = new Map<MilestoneName, Milestone>();
  private readonly names: readonly MilestoneName[];
  private tail: string[] = [];
  private seconds = 0;
  private wallSeconds = 0;
  private heldUp = false;
  private stopped: BootProof['stopped'];
  private identity: string | undefined;

  constructor(
    private readonly machine: FirmwareMachine,
    private readonly options: SlotCheckOptions,
    private readonly bundleBytes: number,
    private readonly report: Reporter,
  ) {
    const list =
      options.update === undefined
        ? SLOT_MILESTONES
        : options.fail === undefined
          ? UPDATE_MILESTONES
          : FAILED_UPDATE_MILESTONES;
    this.names = list.map(({ name }) => name);
    report.emit({ type: 'planned', groups: list.map(({ name, title }) => ({ title, stages: [name] })) });
    for (const name of this.names) report.emit({ type: 'stage-started', stage: name });
  }

  /** One start after the other; the first that is not as it must be ends the check. */
  async run(): Promise<void> {
    const { update, fail } = this.options;
    if (update === undefined) return this.lookAround();
    const first = await this.start('install', fail === 'cut' ? 'cut' : undefined);
    if (!this.judgeFirst(first)) return;
    if (fail !== 'cut' && !this.judgeInstallation(first)) return;
    if (fail === 'cut') this.judgeCut(first);
    else await this.tryOther(fail);
    if (this.stopped !== undefined) return;
    const last = await this.start('look');
    this.judgeLast(last, fail);
  }

  private async lookAround(): Promise<void> {
    const only = await this.start('look');
    if (this.judgeFirst(only)) this.judgePowerOff(only);
  }

  private async tryOther(fail: UpdateFailure | undefined): Promise<void> {
    const trial = await this.start('trial', fail);
    const went = trial.start.partition === 3 && trial.start.tryboot;
    this.reach('trial', went, `partition ${trial.start.partition}, tryboot ${trial.start.tryboot ? 1 : 0}`);
    if (fail === undefined) {
      const health = facts(trial.facts.get('health') ?? {});
      this.reach('committed', health.state === 'good' && trial.end.kind === 'reboot', this.healthText(trial));
      return;
    }
    this.reach('failure', trial.end.kind === EXPECTED_END[fail], trial.end.kind);
  }

  private judgeFirst(first: Started): boolean {
    const slot = facts(first.facts.get('slot') ?? {});
    if (first.facts.has('no-slots')) {
      this.stopped ??= { code: 'machine-ended', detail: 'the image has no slots: it was not built with --system ab' };
    }
    const isRight = slot.slot === 'A' && slot.trial === false && first.start.partition === 2;
    this.reach('slot', isRight, `partition ${first.start.partition}, slot ${words(slot.slot)}`);
    const isHealthy = facts(first.facts.get('health') ?? {}).state === 'good';
    this.reach('healthy', isHealthy, this.healthText(first));
    return isRight && isHealthy;
  }

  private judgeInstallation(first: Started): boolean {
    const { code, text } = facts(first.facts.get('installed') ?? {});
    const ok = code === 0 && first.end.kind === 'reboot' && first.end.argument.includes('tryboot');
    this.reach('installed', ok, code === 0 ? `reboot '${argumentOf(first.end)}'` : words(text));
    return ok;
  }

  private judgeCut(first: Started): void {
    const installing = first.facts.has('installing');
    this.reach('installed', installing, 'the power was cut on the way');
    this.reach('trial', true, 'none');
    this.reach('failure', first.end.kind === 'power-cut', first.end.kind);
  }

  private judgeLast(last: Started, fail: UpdateFailure | undefined): void {
    const slot = facts(last.facts.get('slot') ?? {});
    const where = `partition ${last.start.partition}, slot ${words(slot.slot)}`;
    const history = facts(last.facts.get('history') ?? {});
    const told = words(history.reason);
    if (fail === undefined) {
      const stays = slot.slot === 'B' && slot.default === 'B' && last.start.partition === 3 && !last.start.tryboot;
      this.reach('default', stays && history.outcome === 'good', where);
    } else {
      const isHealthy = facts(last.facts.get('health') ?? {}).state === 'good';
      this.reach('back', slot.slot === 'A' && slot.default === 'A' && isHealthy, where);
      const other = facts(facts(slot.slots ?? {}).B ?? {});
      const reason = fail === 'cut' ? words(other.reason) : told;
      this.reach('reason', reason !== '' && (fail === 'cut' ? other.state !== 'good' : history.outcome === 'failed'), reason);
    }
    this.reach('identity', last.identity !== '' && last.identity === this.identity, last.identity);
    const data = facts(last.facts.get('data') ?? {});
    const kept = data.home === MARK && (data.volume === MARK || data.volume === 'none');
    this.reach('data', kept, `home: ${words(data.home)}, volume: ${words(data.volume)}`);
    this.judgePowerOff(last);
  }

  private judgePowerOff({ end }: Started): void {
    this.reach('power-off', end.kind === 'power-off', end.kind);
  }

  private healthText({ facts: told }: Started): string {
    const health = facts(told.get('health') ?? {});
    const checks = Array.isArray(health.checks) ? health.checks.map((one) => facts(one)) : [];
    const failed = checks.filter(({ ok }) => ok !== true).map(({ name, text }) => `${words(name)}: ${words(text)}`);
    const names = checks.map(({ name }) => words(name)).join(', ');
    return failed.length > 0 ? failed.join('; ') : `${words(health.state)}: ${names}`;
  }

  private async start(step: Step, fail?: UpdateFailure): Promise<Started> {
    const told = new Map<string, Json>();
    const script = await readFile(join(this.options.projectDir, PROBE), 'utf8');
    const settings = `STEP=${step}\nSIZE=${this.bundleBytes}\nFAIL=${this.options.fail ?? 'none'}\n`;
    const sectors = probeSectors(settings + script);
    await this.machine.write(sectors, PROBE_OFFSET_BYTES);
    const failing = step === 'trial' && fail !== undefined ? (FAILING_WORDS[fail] ?? []) : [];
    // Words for init come last.
    const extra = [...probeArguments(sectors.length), ...failing];
    const { logFile } = this.options;
    const lines: string[] = [];
    const ended = await this.machine.start({
      extra,
      timeoutSeconds: this.options.timeoutSeconds ?? START_SECONDS,
      onLine: (line, cut) => {
        lines.push(line);
        this.tail = [...this.tail, line].slice(-40);
        const event = readConsoleLine(line);
        if (event?.kind !== 'fact') return;
        told.set(event.name, event.value);
        // In the middle of the installation: a few seconds of it have been written.
        if (event.name === 'installing' && step === 'install' && fail === 'cut') setTimeout(cut, CUT_AFTER_MS);
      },
    });
    if (logFile !== undefined) await appendLog(logFile, [`=== ${step}: ${describe(ended)}`, ...lines]);
    return this.note(ended, told);
  }

  private note(ended: Ended, told: Facts): Started {
    this.seconds += ended.clock.hadSeconds;
    this.wallSeconds += ended.clock.wallSeconds;
    this.heldUp ||= wasHeldUp(ended.clock);
    if (ended.stopped !== undefined) {
      this.stopped ??= { code: ended.stopped.code === 'too-slow' ? 'too-slow' : 'timeout', detail: ended.stopped.detail };
    }
    const identity = told.has('identity') ? JSON.stringify(told.get('identity')) : '';
    this.identity ??= identity === '' ? undefined : identity;
    return { ...ended, facts: told, identity };
  }

  private reach(name: MilestoneName, ok: boolean, detail: string): void {
    if (!this.names.includes(name) || this.milestones.has(name)) return;
    this.milestones.set(name, { name, ok, seconds: Math.round(this.seconds * 10) / 10, detail });
    this.report.emit({ type: 'stage-step', stage: name, text: detail });
    const durationMs = Math.round(this.seconds * 1000);
    this.report.emit(
      ok
        ? { type: 'stage-finished', stage: name, cached: false, durationMs, key: '' }
        : { type: 'stage-failed', stage: name, durationMs },
    );
  }

  proof(): BootProof {
    const milestones = this.names.map((name): Milestone => {
      const known = this.milestones.get(name);
      if (known === undefined) this.report.emit({ type: 'stage-failed', stage: name, durationMs: 0 });
      return known ?? { name, ok: false, detail: 'did not come' };
    });
    const passed = this.stopped === undefined && milestones.every(({ ok }) => ok);
    const mayBeSlow = this.stopped?.code === 'too-slow' || this.heldUp;
    return {
      machine: 'virt',
      milestones,
      passed,
      verdict: passed ? 'works' : mayBeSlow ? 'not-proven' : 'does-not-work',
      ...(this.stopped === undefined ? {} : { stopped: this.stopped }),
      waitingFor: [],
      time: { wallSeconds: Math.round(this.wallSeconds), hadSeconds: Math.round(this.seconds) },
      failedUnits: [],
      profile: [],
      consoleTail: this.tail,
    };
  }
}

type Started = Ended & { readonly facts: Facts; readonly identity: string };

const MARK = 'reswarm-was-here';
const CUT_AFTER_MS = 12_000;

function argumentOf(end: StartEnd): string {
  return end.kind === 'reboot' ? end.argument : end.kind;
}

function describe({ start, end, clock }: Ended): string {
  const ending = end.kind === 'reboot' ? `reboot '${end.argument}'` : end.kind;
  return `partition ${start.partition}, tryboot ${start.tryboot ? 1 : 0}, ended after ${Math.round(clock.wallSeconds)} s: ${ending}`;
}
