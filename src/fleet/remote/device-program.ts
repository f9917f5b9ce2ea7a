import * as z from 'zod';
import { CommandError, ReswarmError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { SshDevice, SshSettings } from './ssh-device.js';
import { asRoot, quoted, sshTo } from './ssh-device.js';

/** The device writes null for what it does not know. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);

const eventSchema = z.object({
  event: z.string(),
  at: z.string(),
  version: text,
  slot: text,
  outcome: text,
  reason: text,
  bundleSha256: text,
});
/** A line of the history of a device. */
export type DeviceEvent = z.infer<typeof eventSchema>;

const statusSchema = z.object({
  slot: z.string(),
  version: text,
  trial: z.boolean(),
  armed: text,
  compatible: z.string(),
  machineId: z.string(),
  last: eventSchema.nullish(),
});
export type DeviceStatus = z.infer<typeof statusSchema>;

const historySchema = z.object({ history: z.array(eventSchema) });
const installedSchema = z.object({ version: text, slot: z.string(), bundleSha256: text });
const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: text }) });

/** `reswarm-update status`. Throws what askDevice throws. */
export async function statusOf(device: SshDevice, ssh: SshSettings, host: Host): Promise<DeviceStatus> {
  return askDevice(device, ssh, ['status'], statusSchema, host);
}

/** `reswarm-update history`. Throws what askDevice throws. */
export async function historyOf(device: SshDevice, ssh: SshSettings, host: Host): Promise<readonly DeviceEvent[]> {
  return (await askDevice(device, ssh, ['history'], historySchema, host)).history;
}

/** `reswarm-update install`, without a restart. Throws what askDevice throws. */
export async function installOn(device: SshDevice, ssh: SshSettings, words: readonly string[], host: Host) {
  return askDevice(device, ssh, ['install', ...words], installedSchema, host);
}

/**
 * Runs the program of the device. Throws ReswarmError `device-unreachable`, `device-not-updatable` (it has no such
 * program, or root cannot be had), and what the program itself refuses, with its own code.
 */
async function askDevice<Answer>(
  device: SshDevice,
  ssh: SshSettings,
  words: readonly string[],
  schema: z.ZodType<Answer>,
  host: Host,
): Promise<Answer> {
  const script = asRoot(['reswarm-update', ...words, '--json'].map(quoted).join(' '));
  const { stdout, stderr } = await runOn(device, ssh, script, host, [0, 1]);
  const answer = jsonOf(stdout);
  const refused = errorSchema.safeParse(answer);
  if (refused.success) {
    const { code, message, hint } = refused.data.error;
    throw new ReswarmError(code, `${device.name}: ${message}`, { hints: hint === undefined ? [] : [hint] });
  }
  const found = schema.safeParse(answer);
  if (found.success) return found.data;
  throw notUpdatable(device, stderr);
}

/** Throws ReswarmError `device-unreachable`, `device-not-updatable`. */
export async function runOn(
  device: SshDevice,
  ssh: SshSettings,
  script: string,
  host: Host,
  okExitCodes: readonly number[] = [0],
) {
  try {
    return await host
      .run(sshTo(device, ssh, script), { okExitCodes: [...okExitCodes, SSH_FAILED, 126, 127] })
      .then((output) => {
        if (output.exitCode === SSH_FAILED) throw unreachable(device, output.stderr);
        if (output.exitCode > 1) throw notUpdatable(device, output.stderr);
        return output;
      });
  } catch (error) {
    if (error instanceof CommandError && error.code === 'command-failed') throw notUpdatable(device, error.message);
    throw error;
  }
}

/** ssh's own exit code where there is no connection, or none any more. */
const SSH_FAILED = 255;

function unreachable({ name }: SshDevice, stderr: string): ReswarmError {
  return new ReswarmError('device-unreachable', `${name} cannot be reached over ssh`, {
    details: tailOf(stderr),
    hints: [`Try it by hand: ssh ${name}. A key is needed (--identity), and the host key must be known.`],
  });
}

function notUpdatable({ name }: SshDevice, stderr: string): ReswarmError {
  return new ReswarmError('device-not-updatable', `${name} does not answer as a device with two slots`, {
    details: tailOf(stderr),
    hints: ['It needs an image of the system "ab", and a user who is root or may use sudo without a password.'],
  });
}

function tailOf(stderr: string): readonly string[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .slice(-5);
}

function jsonOf(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}
