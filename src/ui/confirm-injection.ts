import { UserError } from '../errors.js';
import type { InjectPlan } from '../provision/inject-image.js';
import { askYesNo } from './confirm.js';
import { describeDeviceWrite } from './describe-device.js';

/** Shows what would be changed on which card and asks. Throws UserError `device-not-confirmed`, `confirmation-needed`. */
export async function confirmInjection({ device, path, files }: InjectPlan, agreed: boolean): Promise<void> {
  const writes = files.length === 0 ? 'disk id and volume serial' : `${files.join(', ')} on the boot partition`;
  for (const line of describeDeviceWrite({ device, path, writes })) process.stderr.write(`  ${line}\n`);
  if (agreed || (await askYesNo('Write this to the card?'))) return;
  throw new UserError('device-not-confirmed', `${device.path} was not confirmed; nothing was written`);
}
