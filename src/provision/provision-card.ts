import { join } from 'node:path';
import type { DeviceIdentity } from '../seeds/device/device-identity.js';
import type { CloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';
import { readDefaultSeed } from '../seeds/compose/read-seed.js';
import type { ImageDelta } from '../formats/delta/image-delta.js';
import type { ReadAt } from '../model/read-at.js';
import { seedDigest } from '../seeds/seed-digest.js';
import type { Problem } from '../errors.js';
import { UserError } from '../errors.js';
import { openBootPartition } from '../images/edit-boot-files.js';
import { deviceChanges } from './device-changes.js';

/** Who a card is to be. */
export type CardIdentity = {
  /** For people: the device's name in its fleet. */
  readonly name?: string;
  readonly identity: DeviceIdentity;
};

/** What one card gets of its own. */
export type PersonalCard = {
  readonly name?: string;
  readonly hostname?: string;
  readonly instanceId: string;
  readonly seedSha256: string;
  readonly overlay: ImageDelta;
  readonly warnings: readonly Problem[];
};

export type PersonaliseOptions = {
  /** Where cloud-init/ lies: what an image without a seed gets. */
  readonly projectDir: string;
  readonly sourceDateEpoch: number;
  readonly uniqueDisk: boolean;
  readonly schemas?: CloudInitSchemas;
};

/**
 * What each card is to have different from the image. Throws what deviceChanges and a view's edit throw, with the name
 * of the device; before anything is written.
 */
export async function personalise(
  image: { readonly read: ReadAt; readonly sizeBytes: number; readonly name: string },
  identities: readonly CardIdentity[],
  options: PersonaliseOptions,
): Promise<readonly PersonalCard[]> {
  const defaults = await readDefaultSeed(join(options.projectDir, 'cloud-init'));
  const cards: PersonalCard[] = [];
  for (const { name, identity } of identities) {
    const named = (problem: Problem): Problem =>
      name === undefined ? problem : { ...problem, message: `${name}: ${problem.message}` };
    try {
      const view = await openBootPartition(image.read, image.sizeBytes, image.name);
      const made = await deviceChanges(view, image.read, identity, { defaults, ...options });
      const { overlay } = await view.edit(made.changes);
      cards.push({
        ...(name === undefined ? {} : { name }),
        ...(identity.hostname === undefined ? {} : { hostname: identity.hostname }),
        instanceId: made.instanceId,
        seedSha256: seedDigest(made.seed),
        overlay,
        warnings: made.warnings.map(named),
      });
    } catch (error) {
      throw error instanceof UserError ? UserError.fromProblems(error.problems.map(named)) : error;
    }
  }
  return cards;
}
