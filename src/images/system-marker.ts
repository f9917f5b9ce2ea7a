import * as z from 'zod';
import type { WorkloadCheck } from '../model/workload.js';
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
  /** What proves that its workload works: a request that it answers, or its own command. */
  readonly check?: WorkloadCheck;
};

/** The marker's content: `KEY=VALUE`, a line each. */
export function systemMarkerText({ system, userland, hasSsh, check }: MarkedSystem): string {
  const checked = check === undefined ? '' : `CHECK=${JSON.stringify(check)}\n`;
  return `SYSTEM=${system}\nUSERLAND=${userland}\nSSH=${hasSsh ? '1' : '0'}\n${checked}`;
}

/** What an image or card says of its system; undefined where it says nothing: a system with cloud-init. */
export async function systemOfBootVolume(view: Pick<BootPartitionView, 'readFile'>): Promise<MarkedSystem | undefined> {
  const bytes = await view.readFile(SYSTEM_MARKER);
  if (bytes === undefined) return undefined;
  return parseSystemMarker(Buffer.from(bytes).toString('utf8'));
}

/** The marker's content; what is not there is empty. */
export function parseSystemMarker(text: string): MarkedSystem {
  const lines = text.split(/\r?\n/);
  const value = (key: string): string => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
  const check = checkOf(value('CHECK'));
  const marked = { system: value('SYSTEM'), userland: value('USERLAND'), hasSsh: value('SSH') === '1' };
  return check === undefined ? marked : { ...marked, check };
}

const checkSchema = z.union([
  z.object({
    http: z.object({ port: z.int(), path: z.string(), status: z.int(), expect: z.string().optional() }),
  }),
  z.object({ command: z.array(z.string()) }),
]);

function checkOf(text: string): WorkloadCheck | undefined {
  try {
    return checkSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
