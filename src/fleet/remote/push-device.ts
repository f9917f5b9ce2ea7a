import { ReswarmError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { DeviceEvent, DeviceStatus } from './device-program.js';
import { historyOf, installOn, runOn, statusOf } from './device-program.js';
import type { SshDevice, SshSettings } from './ssh-device.js';
import { asRoot } from './ssh-device.js';
import type { LocalBundle } from './upload.js';
import { pause, upload } from './upload.js';

/** What is brought to a device: a file of ours, or the address of one. */
export type PushedUpdate =
  | { readonly kind: 'file'; readonly bundle: LocalBundle; readonly version: string; readonly compatible: string }
  | { readonly kind: 'url'; readonly url: string };

export type PushOptions = {
  readonly update: PushedUpdate;
  readonly ssh: SshSettings;
  /** Restart, and wait for what becomes of the trial. */
  readonly restart: boolean;
  readonly force: boolean;
  /** For restart, trial and what may follow. */
  readonly patienceMs: number;
};

/** What became of it: `good` runs it now, `current` had it already, `installed` tries it on its next restart. */
export type PushOutcome = {
  readonly device: string;
  readonly outcome: 'good' | 'current' | 'installed' | 'failed';
  readonly version?: string;
  readonly slot?: string;
  readonly code?: string;
  readonly reason?: string;
  readonly bundleSha256?: string;
};

const LOOK_AGAIN_MS = 3000;

/** Updates one device. Never throws for what is wrong with the device: that is the outcome. */
export async function pushToDevice(
  device: SshDevice,
  options: PushOptions,
  host: Host,
  say: (text: string) => void,
): Promise<PushOutcome> {
  try {
    return await push(device, options, host, say);
  } catch (error) {
    host.signal.throwIfAborted();
    if (!(error instanceof ReswarmError)) throw error;
    return { device: device.name, outcome: 'failed', code: error.code, reason: error.message };
  }
}

async function push(
  device: SshDevice,
  { update, ssh, restart, force, patienceMs }: PushOptions,
  host: Host,
  say: (text: string) => void,
): Promise<PushOutcome> {
  const before = await statusOf(device, ssh, host);
  const name = device.name;
  if (update.kind === 'file') {
    if (before.compatible !== update.compatible) throw wrongBoard(name, before, update.compatible);
    if (before.version === update.version && !before.trial && before.armed === undefined && !force) {
      return { device: name, outcome: 'current', version: update.version, slot: before.slot };
    }
  }
  const known = (await historyOf(device, ssh, host)).length;
  const source = update.kind === 'url' ? update.url : await uploaded(update.bundle, device, ssh, host, say);
  say('installing');
  const done = await installOn(device, ssh, [source, ...(force ? ['--force'] : [])], host).finally(async () => {
    if (update.kind === 'file') await removeUpload(source, device, ssh, host);
  });
  const facts = {
    device: name,
    slot: done.slot,
    ...(done.version === undefined ? {} : { version: done.version }),
    ...(done.bundleSha256 === undefined ? {} : { bundleSha256: done.bundleSha256 }),
  };
  if (!restart) return { ...facts, outcome: 'installed' };
  say('restarting for the trial');
  // The connection may be gone before it answers.
  await runOn(device, ssh, asRoot('systemctl --no-block reboot'), host).catch(passOver('device-unreachable'));
  const end = await endOfTrial(device, known, ssh, patienceMs, host);
  if (end.outcome === 'good') return { ...facts, outcome: 'good' };
  return { ...facts, outcome: 'failed', code: 'trial-failed', reason: `${name}: ${end.reason ?? 'the trial failed'}` };
}

async function uploaded(
  bundle: LocalBundle,
  device: SshDevice,
  ssh: SshSettings,
  host: Host,
  say: (text: string) => void,
): Promise<string> {
  say('uploading');
  return upload(bundle, device, ssh, host);
}

async function removeUpload(place: string, device: SshDevice, ssh: SshSettings, host: Host): Promise<void> {
  await runOn(device, ssh, asRoot(`rm -f ${place}`), host).catch(passOver('device-unreachable'));
}

/** The first decision that the history did not have before; "not-tried" is none, as the device tries again. */
async function endOfTrial(
  device: SshDevice,
  known: number,
  ssh: SshSettings,
  patienceMs: number,
  host: Host,
): Promise<DeviceEvent> {
  const until = Date.now() + patienceMs;
  while (Date.now() < until) {
    await pause(LOOK_AGAIN_MS, host.signal);
    const events = await historyOf(device, ssh, host).catch(passOver('device-unreachable'));
    const decided = events
      ?.slice(known)
      .find(({ event, outcome }) => event === 'updated' && outcome !== undefined && outcome !== 'not-tried');
    if (decided !== undefined) return decided;
  }
  throw new ReswarmError('trial-unknown', `${device.name} did not come back with an answer in time`, {
    hints: ['Look at it with "fleet collect" later; --patience waits longer.'],
  });
}

function passOver(code: string): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof ReswarmError && error.code === code) return undefined;
    throw error;
  };
}

function wrongBoard(name: string, { compatible }: DeviceStatus, wanted: string): ReswarmError {
  return new ReswarmError('wrong-board', `${name} is ${compatible}, and the bundle is for ${wanted}`);
}
