import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';

const CHECKS = 50;
const BETWEEN_CHECKS_MS = 100;

/** Throws UserError `loop-needs-root` before anything is built for it. */
export function requireLoopDevices(host: Host): void {
  if (host.facts.privilege === 'root') return;
  throw new UserError('loop-needs-root', 'Only root may use loop devices', {
    hints: ['Run the same command with sudo, or leave out --loop: the image is the same.'],
  });
}

/**
 * A loop device on a file, with nodes for its partitions. It is given back to the kernel before it is used: the
 * kernel detaches it when we close it, also when we are killed.
 */
export async function withLoopDevice<Result>(
  file: string,
  host: Host,
  use: (path: string, handle: FileHandle) => Promise<Result>,
): Promise<Result> {
  host.signal.throwIfAborted();
  const calm = host.uninterrupted();
  const attached = await calm.run({ file: 'losetup', args: ['--find', '--show', '--partscan', file] });
  const path = attached.stdout.trim();
  let handle: FileHandle | undefined;
  try {
    handle = await calm.openDevice(path, { access: 'hold' });
    await calm.run({ file: 'losetup', args: ['--detach', path] });
    host.signal.throwIfAborted();
    return await use(path, handle);
  } finally {
    await handle?.close();
    if (handle === undefined) await calm.run({ file: 'losetup', args: ['--detach', path] });
    await untilDetached(file, calm);
  }
}

/** The kernel and udev may look at it for a moment longer. */
async function untilDetached(file: string, host: Host): Promise<void> {
  for (let check = 0; check < CHECKS; check += 1) {
    const { stdout } = await host.run({ file: 'losetup', args: ['--associated', file] });
    if (stdout.trim() === '') return;
    await sleep(BETWEEN_CHECKS_MS);
  }
}
