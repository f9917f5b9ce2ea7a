import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import { isRaw, openDiskImage } from '../../images/disk-image.js';
import { readBootVolume } from '../../images/volumes.js';

const layersJson = z.object({
  layers: z.array(
    z.object({
      name: z.string(),
      file: z.string(),
      sizeBytes: z.number(),
      sha256: z.string(),
      loose: z.boolean(),
    }),
  ),
});

/** A chain as a build wrote it down, the lowest first. */
export type ListedLayer = z.output<typeof layersJson>['layers'][number];

const NAME = 'layers.json';

/**
 * The chain of an image, of a folder with layers.json, or of that file. Throws UserError `layers-list-missing`, and what
 * `openDiskImage` and `readBootVolume` throw.
 */
export async function readChainList(place: string, host: Host): Promise<readonly ListedLayer[]> {
  const text = await textOf(place, host);
  const parsed = text === undefined ? undefined : layersJson.safeParse(parseJson(text));
  if (parsed?.success === true) return parsed.data.layers;
  const what = text === undefined ? `${place} has no ${NAME}` : `the ${NAME} of ${place} cannot be read`;
  throw new UserError('layers-list-missing', what, {
    hints: ['Name an image of a layered system, or the folder of its layers: /boot/layers, or that of a server.'],
  });
}

async function textOf(place: string, host: Host): Promise<string | undefined> {
  const status = await stat(place).catch(() => undefined);
  if (status?.isDirectory() === true) {
    const inner = await readFile(join(place, NAME), 'utf8').catch(() => undefined);
    return inner ?? (await readFile(join(place, 'layers', NAME), 'utf8').catch(() => undefined));
  }
  if (place.endsWith('.json')) return readFile(place, 'utf8').catch(() => undefined);
  const image = await openDiskImage(place, host);
  try {
    if (!isRaw(image)) {
      throw new UserError('layers-list-missing', `${place} is packed: its layers cannot be listed as it is`, {
        hints: ['Unpack it first.'],
      });
    }
    const { reader } = await readBootVolume(image, await image.partitions());
    return (await reader.readFile(`/layers/${NAME}`))?.toString();
  } finally {
    await image.close();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
