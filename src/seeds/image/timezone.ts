import { didYouMean } from '../../config/wording.js';
import { LEGACY_TIME_ZONES, TIME_ZONES } from './time-zones.js';

/**
 * What is wrong with the name of a time zone, upper and lower case told apart as the device does; undefined when
 * nothing is. Old names, which a package of Debian brings, are right here: notInImage speaks of them.
 */
export function timezoneFault(name: string): { readonly message: string; readonly hint?: string } | undefined {
  if (TIME_ZONES.has(name) || LEGACY_TIME_ZONES.has(name)) return undefined;
  const otherCase = [...TIME_ZONES].find((zone) => zone.toLowerCase() === name.toLowerCase());
  const hint =
    otherCase === undefined
      ? (didYouMean(name, [...TIME_ZONES]) ?? 'Write it like Europe/Berlin, or UTC.')
      : `Write ${otherCase}: upper and lower case are told apart.`;
  return { message: `"${name}" is not a time zone`, hint };
}
