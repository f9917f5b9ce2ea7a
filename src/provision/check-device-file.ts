import type { SeedRules } from '../seeds/seed-rules.js';
import { readDeviceIni } from '../seeds/device/device-ini.js';
import { readFlock } from '../seeds/device/flock.js';
import { seedOf } from '../seeds/device/identity.js';
import type { Findings } from '../seeds/text/findings.js';
import type { SeedFile } from '../seeds/text/seed.js';
import type { Problem } from '../errors.js';

/** A .flock, .reswarm or device.ini, which `inject` makes a seed from. */
export function isDeviceFile(path: string): boolean {
  return /\.(flock|reswarm|ini)$/i.test(path);
}

/**
 * Checks a device file, and the seed that an image with the default seed would get from it: its users, its Wi-Fi,
 * whether anybody can log in. Codes: those of readFlock, readDeviceIni, seedOf and of the rules of
 * the system that will read it.
 */
export function checkDeviceFile(file: SeedFile, rules: SeedRules): Findings {
  const read = /\.ini$/i.test(file.file) ? readDeviceIni(file) : readFlock(file);
  if (read.problems.length > 0) return read;
  const { files, problems } = seedOf(read.identity, rules.defaults);
  const made = problems.length > 0 ? { problems, warnings: [] } : rules.check(files);
  // The password of a device file is meant to be one, and is hashed.
  const warnings = made.warnings.filter(({ code }) => code !== 'seed-clear-text-password');
  const here = ({ code, message, hint }: Problem): Problem => ({
    code,
    message: `the seed made from it: ${message}`,
    ...(hint === undefined ? {} : { hint }),
    file: file.file,
  });
  return { problems: made.problems.map(here), warnings: [...read.warnings, ...warnings.map(here)] };
}
