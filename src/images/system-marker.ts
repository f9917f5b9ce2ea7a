import type { BootPartitionView } from './edit-boot-files.js';

/** A text file in the root of the FAT partition of systems without cloud-init. */
export const SYSTEM_MARKER = 'reswarm-system';

/** What runs on a device, as far as a seed has to fit it. */
export type MarkedSystem = {
  /** Id of the system: "tiny". */
  readonly system: string;
  readonly userland: string;
  /** Whether it has an ssh server. */
  readonly hasSsh: boolean;
};

/** The marker's content: `KEY=VALUE`, a line each. */
export function systemMarkerText({ system, userland, hasSsh }: MarkedSystem): string {
  return `SYSTEM=${system}\nUSERLAND=${userland}\nSSH=${hasSsh ? '1' : '0'}\n`;
}

/** What an image or card says of its system; undefined where it says nothing: a system with cloud-init. */
export async function systemOfBootVolume(view: Pick<BootPartitionView, 'readFile'>): Promise<MarkedSystem | undefined> {
  const bytes = await view.readFile(SYSTEM_MARKER);
  if (bytes === undefined) return undefined;
  const lines = Buffer.from(bytes).toString('utf8').split(/\r?\n/);
  const value = (key: string): string => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
  return { system: value('SYSTEM'), userland: value('USERLAND'), hasSsh: value('SSH') === '1' };
}
