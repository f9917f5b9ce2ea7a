import { readFleet } from './definition/read-fleet.js';
import { fleetProblems } from './definition/unique-values.js';
import type { CloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';
import { cloudInitRules, tinyRules } from '../seeds/seed-rules.js';
import type { SeedFiles } from '../seeds/text/seed.js';
import { UserError, type Problem } from '../errors.js';
import { fromFolder, GroupedFindings } from './fleet-findings.js';
import { findDevice } from './fleet-queue.js';
import { fleetSeeds, type DeviceSeed } from './fleet-seeds.js';

export type FleetOptions = {
  readonly path: string;
  /** Where a person typed the path. */
  readonly workingFolder: string;
  /** These devices are used; the whole fleet is checked all the same. */
  readonly only?: readonly string[];
};

/** What devices get that bring no files of their own, and what seeds are checked by. */
export type SeedBase = {
  readonly seed: SeedFiles;
  readonly schemas?: CloudInitSchemas;
  /** The devices have a tiny system; where there is an image, that says so itself. */
  readonly isTiny?: boolean;
};

export type CheckedFleet = { readonly devices: number; readonly warnings: readonly Problem[] };

/**
 * Checks a fleet, and gives each device's seed to `use` as long as nothing is wrong. What `use` makes counts only when
 * this returns. Throws UserError with every problem of the fleet and of all its seeds, and `fleet-unknown-device`.
 */
export async function checkFleet(
  { path, workingFolder, only }: FleetOptions,
  base: SeedBase,
  signal: AbortSignal,
  use?: (seed: DeviceSeed) => Promise<void>,
): Promise<CheckedFleet> {
  const { fleet, problems, warnings } = await readFleet(path);
  const inLists = [...problems, ...fleetProblems(fleet.devices)];
  const wanted = inLists.length > 0 ? undefined : only?.map((name) => findDevice(fleet, name).name);
  const errors = new GroupedFindings();
  const notes = new GroupedFindings();
  const rules = base.isTiny === true ? tinyRules() : cloudInitRules(base.seed, base.schemas);
  let wrong = inLists.length > 0;
  for await (const seed of fleetSeeds(fleet, rules, signal)) {
    for (const problem of seed.problems) errors.add(problem, seed.device.name);
    for (const warning of seed.warnings) notes.add(warning, seed.device.name, true);
    wrong ||= seed.problems.length > 0;
    if (!wrong && (wanted === undefined || wanted.includes(seed.device.name))) await use?.(seed);
  }
  const shown = (found: readonly Problem[]): Problem[] => found.map((one) => fromFolder(one, workingFolder));
  const found = shown([...inLists, ...errors.list()]).toSorted(byPlace);
  if (found.length > 0) throw UserError.fromProblems(found);
  return { devices: fleet.devices.length, warnings: shown([...warnings, ...notes.list()]) };
}

/** A person mends a file from top to bottom. */
function byPlace(a: Problem, b: Problem): number {
  return (
    (a.file ?? '').localeCompare(b.file ?? '') || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
  );
}
