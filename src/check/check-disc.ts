import { join } from 'node:path';
import { UserError } from '../errors.js';
import { FileSystemReader } from '../formats/file-system/file-system-reader.js';
import { openIso9660 } from '../formats/iso9660/reader.js';
import type { Host } from '../host/host.js';
import { isRaw, openDiskImage } from '../images/disk-image.js';
import type { MarkedSystem } from '../images/system-marker.js';
import { parseSystemMarker, SYSTEM_MARKER } from '../images/system-marker.js';
import type { BootProof } from '../model/boot-proof.js';
import { MACHINES } from '../model/qemu.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { DiscOptions } from './boot-disc.js';
import { withLoadedDisc } from './boot-disc.js';
import { checkSmall } from './check-small.js';
import { emptyLog } from './empty-log.js';

export type DiscCheckOptions = DiscOptions & { readonly timeoutSeconds?: number; readonly logFile?: string };

type DiscContent = { readonly system: MarkedSystem; readonly userData: string; readonly metaData: string };

/**
 * Starts a disc by a PC's firmware and waits for proof that its system works. Throws what withLoadedDisc throws, and
 * UserError `log-not-writable`, and `disc-not-checked` for a disc that says nothing of its system.
 */
export async function checkDisc(options: DiscCheckOptions, host: Host, report: Reporter): Promise<BootProof> {
  if (options.logFile !== undefined) await emptyLog(options.logFile);
  const content = await readDisc(options.image, host);
  return withLoadedDisc(options, host, report, (loaded) =>
    checkSmall(
      {
        name: MACHINES.q35.name,
        ...content,
        sandbox: loaded.sandbox,
        timeoutSeconds: options.timeoutSeconds ?? MACHINES.q35.timeoutSeconds,
        logFile: options.logFile,
        qemu: (forwards) => loaded.qemu({ terminal: false, forwards }),
      },
      host,
      report,
    ),
  );
}

async function readDisc(path: string, host: Host): Promise<DiscContent> {
  const image = await openDiskImage(path, host);
  try {
    if (!isRaw(image)) throw new TypeError('a disc is known by its bytes');
    const reader = new FileSystemReader(await openIso9660(image.read, image.sizeBytes), path);
    const entries = await reader.entries();
    const text = async (name: string): Promise<string> => {
      const entry = entries.find((one) => one.path.toLowerCase() === join('/', name));
      if (entry === undefined) return '';
      const parts: Uint8Array[] = [];
      for await (const part of reader.content(entry)) parts.push(part);
      return Buffer.concat(parts).toString('utf8');
    };
    const marker = await text(SYSTEM_MARKER);
    if (marker === '') {
      throw new UserError('disc-not-checked', `${path} does not say what it starts, so nothing can be proven of it`, {
        hints: ['Start it on a terminal: leave out --check.'],
      });
    }
    return {
      system: parseSystemMarker(marker),
      userData: await text('user-data'),
      metaData: await text('meta-data'),
    };
  } finally {
    await image.close();
  }
}
