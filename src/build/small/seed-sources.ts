import type { DiskIdentity } from '../../disk/identity.js';
import type { BuildRequest } from '../build-request.js';

/**
 * Where a system without cloud-init looks for its seed: the FAT of its own card, and whatever has its label, such as a
 * disc or a card with a new identity. "UUID=1234-ABCD", "LABEL=RESWARM".
 */
export function seedSources({ spec }: BuildRequest, identity: DiskIdentity): readonly string[] {
  const boot = spec.partitions.find(({ role }) => role === 'boot');
  if (boot === undefined) throw new TypeError('the disk has no boot partition');
  const { fatSerial } = identity.partition(boot.name);
  const uuid = `${fatSerial.slice(0, 4)}-${fatSerial.slice(4)}`.toUpperCase();
  return [`UUID=${uuid}`, `LABEL=${bootLabel(spec)}`];
}

/** Of the boot partition, and of a disc with the same system. */
export function bootLabel({ partitions, volumes }: BuildRequest['spec']): string {
  const boot = partitions.find(({ role }) => role === 'boot');
  return volumes[boot?.volume ?? '']?.label ?? '';
}
