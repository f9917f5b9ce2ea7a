import { join } from 'node:path';
import type { DeviceIdentity } from '../../config/device/identity.js';
import type { CloudInitSchemas } from '../../config/seed/cloud-init-schemas.js';
import { readDefaultSeed } from '../../config/seed/read-seed.js';
import type { Overlay, ReadBytes } from '../../domain/overlay.js';
import type { Problem } from '../../errors.js';
import { openBootPartition } from '../boot-overlay.js';
import { deviceChanges } from '../device-changes.js';

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
  readonly overlay: Overlay;
  readonly warnings: readonly Problem[];
};

export type PersonaliseOptions = {
  /** Where cloud-init/ lies: what an image without a seed gets. */
  readonly projectDir: string;
  readonly sourceDateEpoch: number;
  readonly uniqueDisk: boolean;
  readonly schemas?: CloudInitSchemas;
};

/** What each card is to have different from the image. Throws what deviceChanges throws, before anything is written. */
export async function personalise(
  image: { readonly read: ReadBytes; readonly sizeBytes: number; readonly name: string },
  identities: readonly CardIdentity[],
  options: PersonaliseOptions,
): Promise<readonly PersonalCard[]> {
  const defaults = await readDefaultSeed(join(options.projectDir, 'cloud-init'));
  const cards: PersonalCard[] = [];
  for (const { name, identity } of identities) {
    const view = await openBootPartition(image.read, image.sizeBytes, image.name);
    const { changes, instanceId, warnings } = await deviceChanges(view, image.read, identity, { defaults, ...options });
    const { overlay } = await view.edit(changes);
    cards.push({
      ...(name === undefined ? {} : { name }),
      ...(identity.hostname === undefined ? {} : { hostname: identity.hostname }),
      instanceId,
      overlay,
      warnings,
    });
  }
  return cards;
}
