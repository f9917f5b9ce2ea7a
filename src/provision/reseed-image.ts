import { baseName } from '../formats/file-system/file-entry.js';
import type { FileSystemReader } from '../formats/file-system/file-system-reader.js';
import type { ReadAt } from '../model/read-at.js';
import type { Host } from '../host/host.js';
import { openBootPartition } from '../images/edit-boot-files.js';
import type { InjectOptions, Injection } from './inject-image.js';
import { injectTarget, withCard } from './inject-image.js';
import { isDrive } from '../images/disk-image.js';
import type { WritableImage } from '../images/raw-image.js';
import { withWritableImage } from '../images/raw-image.js';
import { requireReader, rootOf, systemPartitions } from './root-partition.js';
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

/**
 * Looks into /var/lib/cloud of the root partition; reads only. Throws what openBootPartition throws, UserError
 * `root-not-read` where it has a file system that is not read here, ReswarmError `file-system-corrupt`.
 */
export async function readCardState(read: ReadAt, sizeBytes: number, name: string): Promise<CardState> {
  const view = await openBootPartition(read, sizeBytes, name);
  const root = await rootOf(await systemPartitions(read, view.table.partitions, name), await view.commandLine());
  // All of the system is on the FAT: nothing of an earlier start is kept.
  if (root === undefined) return NEVER_BOOTED;
  const reader = requireReader(root, 'nobody can tell what the card has been');
  const instances = ((await reader.list('/var/lib/cloud/instances')) ?? []).map(({ path }) => baseName(path));
  const instanceId = await text(reader, '/var/lib/cloud/data/instance-id');
  return {
    hasBooted: instances.length > 0 || instanceId !== undefined,
    ...(instanceId === undefined ? {} : { instanceId }),
    instances: instances.toSorted(),
    manualCacheClean:
      (await reader.find('/var/lib/cloud/instance/manual-clean')) !== undefined ||
      (await settings(reader)).some((line) => /^\s*manual_cache_clean:\s*true/im.test(line)),
    disabled: (await reader.find('/etc/cloud/cloud-init.disabled')) !== undefined,
    needsRecovery: reader.facts.dirty,
  };
}

const NEVER_BOOTED: CardState = {
  hasBooted: false,
  instances: [],
  manualCacheClean: false,
  disabled: false,
  needsRecovery: false,
};

async function text(reader: FileSystemReader, path: string): Promise<string | undefined> {
  return (await reader.readFile(path))?.toString('utf8').trim();
}

/** cloud-init's own settings, a text for each file. */
async function settings(reader: FileSystemReader): Promise<readonly string[]> {
  const more = ((await reader.list('/etc/cloud/cloud.cfg.d')) ?? []).map(({ path }) => path);
  const files = ['/etc/cloud/cloud.cfg', ...more.filter((path) => path.endsWith('.cfg'))];
  const texts = await Promise.all(files.map((path) => text(reader, path)));
  return texts.filter((one) => one !== undefined);
}
