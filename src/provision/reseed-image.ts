import { openExt4 } from '../formats/ext4/ext4-reader.js';
import type { ReadAt } from '../model/read-at.js';
import type { Host } from '../host/host.js';
import { openBootPartition } from '../images/edit-boot-files.js';
import type { InjectOptions, Injection } from './inject-image.js';
import { injectTarget, withCard } from './inject-image.js';
import { isDrive } from '../images/disk-image.js';
import { rootFirst } from '../images/partition-roles.js';
import type { WritableImage } from '../images/raw-image.js';
import { withWritableImage } from '../images/raw-image.js';
import { removeOutdatedNeighbours } from './outdated-neighbours.js';

/** What cloud-init has left on the root partition of a card. */
export type CardState = {
  /** cloud-init has run there at least once. */
  readonly hasBooted: boolean;
  /** The instance that the card was last. */
  readonly instanceId?: string;
  /** All that it has ever been: what is done once per instance would not be done again for any of them. */
  readonly instances: readonly string[];
  /** cloud-init was told to trust its cache, whatever the seed says. */
  readonly manualCacheClean: boolean;
  /** Somebody switched it off: no seed is read any more. */
  readonly disabled: boolean;
  /** Not shut down in good order: what is said here may lack the last things that happened. */
  readonly needsRecovery: boolean;
};

export type Reseeding = Injection & { readonly card: CardState };

type ReseedOptions = Omit<InjectOptions, 'output' | 'uniqueDisk'>;

/**
 * Gives a card that has booted a new identity: the seed is changed as `inject` does, and the instance is always one
 * that the card never was, so that cloud-init runs everything again that it runs once per instance. Throws what
 * injectImage throws.
 */
export async function reseedImage(options: ReseedOptions, host: Host): Promise<Reseeding> {
  if (!(await isDrive(options.image))) {
    const reseeding = await withWritableImage(options.image, host, (target) => reseedTarget(target, options));
    return { ...reseeding, outdated: reseeding.changed ? await removeOutdatedNeighbours(options.image) : [] };
  }
  return withCard(options.image, host, (target, device) =>
    reseedTarget(target, options, (files) => options.confirm({ device, path: options.image, files })),
  );
}

async function reseedTarget(
  target: WritableImage,
  options: ReseedOptions,
  confirm?: (files: readonly string[]) => Promise<void>,
): Promise<Reseeding> {
  const card = await readCardState(target.read, target.sizeBytes, target.name);
  const { identity, projectDir, sourceDateEpoch, schemas } = options;
  const injection = await injectTarget(
    target,
    {
      identity,
      projectDir,
      sourceDateEpoch,
      ...(schemas === undefined ? {} : { schemas }),
      usedInstanceIds: card.instances,
      newInstance: true,
    },
    confirm,
  );
  return { ...injection, card };
}

/** Looks into /var/lib/cloud of the root partition, or else of the first ext4; reads only. Throws what openBootPartition throws. */
export async function readCardState(read: ReadAt, sizeBytes: number, name: string): Promise<CardState> {
  const view = await openBootPartition(read, sizeBytes, name);
  for (const { offsetBytes } of rootFirst(view.table.partitions, await view.commandLine(), () => undefined)) {
    const root = await openExt4(read, offsetBytes);
    if (root === undefined) continue;
    const text = async (path: string): Promise<string | undefined> => {
      const bytes = await root.readFile(path);
      return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8').trim();
    };
    const instances = (await root.list('/var/lib/cloud/instances')) ?? [];
    const instanceId = await text('/var/lib/cloud/data/instance-id');
    return {
      hasBooted: instances.length > 0 || instanceId !== undefined,
      ...(instanceId === undefined ? {} : { instanceId }),
      instances: instances.toSorted(),
      manualCacheClean:
        (await root.readFile('/var/lib/cloud/instance/manual-clean')) !== undefined ||
        (await settings(root, text)).some((line) => /^\s*manual_cache_clean:\s*true/im.test(line)),
      disabled: (await root.readFile('/etc/cloud/cloud-init.disabled')) !== undefined,
      needsRecovery: root.needsRecovery,
    };
  }
  return { hasBooted: false, instances: [], manualCacheClean: false, disabled: false, needsRecovery: false };
}

async function settings(
  root: { readonly list: (path: string) => Promise<readonly string[] | undefined> },
  text: (path: string) => Promise<string | undefined>,
): Promise<readonly string[]> {
  const folder = '/etc/cloud/cloud.cfg.d';
  const names = (await root.list(folder)) ?? [];
  const files = [
    '/etc/cloud/cloud.cfg',
    ...names.filter((name) => name.endsWith('.cfg')).map((name) => `${folder}/${name}`),
  ];
  return (await Promise.all(files.map(text))).filter((one) => one !== undefined);
}
