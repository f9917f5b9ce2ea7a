import { createReadStream } from 'node:fs';
import { CommandError, ReswarmError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import { runOn } from './device-program.js';
import type { SshDevice, SshSettings } from './ssh-device.js';
import { asRoot, sshTo } from './ssh-device.js';

const FOLDER = '/data/reswarm/updates/bundles';
/** Connections that end without a byte, one after the other. */
const MOST_ATTEMPTS = 5;
const PAUSE_MS = 1000;

export type LocalBundle = { readonly path: string; readonly sizeBytes: number; readonly sha256: string };

/** Where an uploaded bundle lies on the device: named by its content, so that a cut upload goes on. */
export function uploadPlace({ sha256 }: LocalBundle): string {
  return `${FOLDER}/${sha256.slice(0, 16)}.push.raucb`;
}

/**
 * Copies a bundle to the device; what is there already is not sent again. Throws ReswarmError `device-unreachable`,
 * `device-not-updatable`, `upload-failed`.
 */
export async function upload(bundle: LocalBundle, device: SshDevice, ssh: SshSettings, host: Host): Promise<string> {
  const place = uploadPlace(bundle);
  let before = -1;
  for (let attempt = 0; attempt < MOST_ATTEMPTS;) {
    const have = await sizeOn(place, device, ssh, host);
    if (have === bundle.sizeBytes) return place;
    if (have > bundle.sizeBytes) throw new ReswarmError('upload-failed', `${device.name}: ${place} is another file`);
    attempt = have > before ? 0 : attempt + 1;
    if (attempt > 0) await pause(PAUSE_MS, host.signal);
    before = have;
    await send(bundle, have, place, device, ssh, host);
  }
  throw new ReswarmError('upload-failed', `${device.name}: the connection is cut again and again`, {
    hints: ['Run the command again: it goes on where it stopped.'],
  });
}

async function sizeOn(place: string, device: SshDevice, ssh: SshSettings, host: Host): Promise<number> {
  const script = asRoot(`mkdir -p ${FOLDER} && stat -c %s ${place} 2>/dev/null || echo 0`);
  return Number((await runOn(device, ssh, script, host)).stdout.trim());
}

async function send(
  { path, sizeBytes }: LocalBundle,
  from: number,
  place: string,
  device: SshDevice,
  ssh: SshSettings,
  host: Host,
): Promise<void> {
  // Files of other versions are in its way; a write error, such as a full disk, is said by the device.
  const script = asRoot(
    `find ${FOLDER} -name '*.push.raucb' ! -path ${place} -delete; cat >>${place} && sync ${place}`,
  );
  const bytes = createReadStream(path, { start: from, end: sizeBytes - 1 }) as AsyncIterable<Uint8Array>;
  try {
    const said = host.stream(sshTo(device, ssh, script), bytes)[Symbol.asyncIterator]();
    while ((await said.next()).done !== true);
  } catch (error) {
    host.signal.throwIfAborted();
    if (!(error instanceof CommandError)) throw error;
    if (error.details.some((line) => line.includes('No space left'))) {
      throw new ReswarmError('no-space', `${device.name}: /data has no room for the bundle`, {
        hints: ['Make room there, or let it fetch the bundle from a web server: --url URL.'],
        cause: error,
      });
    }
  }
}

/** Resolves after a while; throws what the signal says when it is aborted. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, durationMs);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
  signal.throwIfAborted();
}
