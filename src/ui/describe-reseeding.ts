import type { Reseeding } from '../provision/reseed-image.js';

/** What cloud-init will and will not do on the next boot (per-instance and per-once modules, cloud-init 25.1). */
export function describeReseeding({ card, instanceId }: Reseeding): string[] {
  const { hasBooted, instances, manualCacheClean, disabled, needsRecovery } = card;
  if (!hasBooted) return ['cloud-init has not run on this card yet: the first boot applies all of the seed.'];
  const been = instances.length === 0 ? '' : ` Until now it was ${instances.join(', ')}.`;
  return [
    `cloud-init has run on this card.${been}`,
    `As ${instanceId} it applies on the next boot:`,
    '  host name, users who are new, ssh keys, hashed_passwd and chpasswd, network, write_files, runcmd, packages',
    '  the host keys of ssh are made anew: clients will ask about it',
    'It does not:',
    '  remove users, files and packages of the seed before, or take away their keys',
    '  change shell and groups of users who exist already, or a passwd of theirs',
    '  run again what is run once in the life of a card (scripts in per-once, modules with frequency once)',
    ...(disabled
      ? ['cloud-init is switched off on this card (/etc/cloud/cloud-init.disabled): nothing is applied.']
      : []),
    ...(manualCacheClean
      ? ['manual_cache_clean is set on this card: cloud-init keeps its cache and ignores the new seed.']
      : []),
    ...(needsRecovery ? ['The card was not shut down in good order; what is said here may not be the newest.'] : []),
  ];
}
