import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Problem } from '../../errors.js';
import { UserError } from '../../errors.js';
import type { BusyboxTreeSpec, Layer } from '../../model/image-spec.js';
import type { BusyboxOptions } from '../../sources/busybox/answers.js';
import { mergeOptions } from '../../sources/busybox/answers.js';
import type { CopiedFolder } from '../../sources/copy-folder.js';
import type { BuildOptions } from '../build-options.js';
import { copiedFolders } from '../copied-folders.js';
import { refuseDebianOptions } from '../small/refuse-debian-options.js';

/** What a root of BusyBox is asked for with. */
export type BusyboxRequest = {
  readonly from: 'busybox';
  readonly root: BusyboxTreeSpec;
  /** Of BusyBox: those of the layers, and the user's. */
  readonly options: BusyboxOptions;
  /** Text of dropbear's localoptions.h. */
  readonly dropbearOptions: string;
  /** Folders of the root's layers and overlays, in the order in which they are copied. */
  readonly folders: readonly CopiedFolder[];
};

const BUSYBOX_OPTIONS = 'busybox.config';
const DROPBEAR_OPTIONS = 'localoptions.h';

/** Codes: `busybox-options-not-found`, those of `mergeOptions` and `refuseDebianOptions`. */
export async function readBusyboxRequest(
  root: BusyboxTreeSpec,
  options: BuildOptions,
): Promise<{ readonly request: BusyboxRequest; readonly problems: readonly Problem[] }> {
  const own = await Promise.all(root.options.map(readOwn));
  const merged: BusyboxOptions = { base: await ofLayers(root.layers, BUSYBOX_OPTIONS), own };
  const dropbear = await ofLayers(root.layers, DROPBEAR_OPTIONS);
  return {
    request: {
      from: 'busybox',
      root,
      options: merged,
      dropbearOptions: dropbear.map(({ text }) => text).join('\n'),
      folders: await copiedFolders(root.layers, root.overlays),
    },
    problems: [...mergeOptions(merged).problems, ...refuseDebianOptions(options)],
  };
}

/** The file of a name beside `files/` of each layer that has it. */
async function ofLayers(layers: readonly Layer[], name: string) {
  const found = [];
  for (const { files } of layers) {
    const file = join(dirname(files ?? ''), name);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (files !== undefined && text !== undefined) found.push({ file, text });
  }
  return found;
}

async function readOwn(file: string): Promise<{ readonly file: string; readonly text: string }> {
  try {
    return { file, text: await readFile(file, 'utf8') };
  } catch (cause) {
    throw new UserError('busybox-options-not-found', `The options of BusyBox in ${file} cannot be read`, {
      hints: ['Check the path under "busybox"; it begins at the system file.'],
      cause,
    });
  }
}
