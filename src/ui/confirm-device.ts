import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { UserError } from '../errors.js';
import type { DeviceWritePlan } from './describe-device.js';
import { describeDeviceWrite } from './describe-device.js';

export type ConfirmOptions = {
  /** --yes: the paths on the command line are enough, where they can mean one drive only. */
  readonly agreed: boolean;
  /** What to type where nobody can be asked: the command line with --yes. */
  readonly commandLine: string;
  readonly signal: AbortSignal;
  /** Default: this process's own. */
  readonly terminal?: { readonly input: Readable & { isTTY?: boolean }; readonly output: Writable };
};

/**
 * Shows what would be written to which drives, then has each drive named once more. Throws UserError
 * `confirmation-needed` where nobody can be asked and `device-not-confirmed` for another answer.
 */
export async function confirmDeviceWrites(plans: readonly DeviceWritePlan[], options: ConfirmOptions): Promise<void> {
  const { input, output } = options.terminal ?? { input: process.stdin, output: process.stderr };
  for (const plan of plans) {
    output.write(`Everything on ${plan.device.path} will be lost:\n`);
    for (const line of describeDeviceWrite(plan)) output.write(`  ${line}\n`);
  }
  if (options.agreed) {
    const unsure = plans.find((plan) => !isExact(plan));
    if (unsure === undefined) return;
    throw new UserError('device-not-confirmed', `--yes needs the exact path: ${unsure.path} is ${unsure.device.path}`, {
      hints: [`Name it as ${unsure.device.path}, or by its link in /dev/disk/by-id, which stays with the drive.`],
    });
  }
  if (input.isTTY !== true) {
    const paths = plans.map(({ device }) => device.path).join(', ');
    throw new UserError('confirmation-needed', `${paths} must be confirmed, and there is no terminal to ask on`, {
      hints: [`If that is what you want: ${options.commandLine}`],
    });
  }
  // Without line editing the terminal itself turns Ctrl-C into a signal.
  const asking = createInterface({ input, output, terminal: false, signal: options.signal });
  // All lines from the first question on; a question of readline's own would lose what was typed before it.
  const lines = asking[Symbol.asyncIterator]();
  try {
    for (const { device } of plans) {
      output.write(`Type ${device.path} to overwrite it: `);
      const answer = await lines.next();
      options.signal.throwIfAborted();
      if (answer.done !== true && answer.value.trim() === device.path) continue;
      throw new UserError('device-not-confirmed', `${device.path} was not confirmed; nothing was written`, {
        hints: ['Type the path of the drive to go on, nothing else.'],
      });
    }
  } finally {
    asking.close();
  }
}

/** A path that means this drive and no other one: its own, or a link that carries its model and serial number. */
function isExact({ path, device }: DeviceWritePlan): boolean {
  return path === device.path || path.startsWith('/dev/disk/by-id/');
}
