import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sandboxed } from '../src/model/sandbox.js';
import { readHostFacts } from '../src/host/read-facts.js';
import type { Figure } from './figure.js';
import { megabytes, seconds } from './figure.js';
import type { ImageDescription } from './image-description.js';
import { storeEntry } from './store-entry.js';
import { time } from './timing.js';

/** The image, compressed, and what of it is ours: kernel and modules. */
export async function measureSizes(image: string, description: ImageDescription): Promise<readonly Figure[]> {
  const { size, blocks } = await stat(image);
  const tools = await storeEntry(description, 'tools');
  const sandbox = { root: join(tools, 'tree'), mounts: [{ source: dirname(image), target: '/mnt' }] };
  const { privilege } = readHostFacts(process.env);
  const script = `xz -T0 -6 --stdout "/mnt/${basename(image)}" | wc --bytes`;
  const packed = sandboxed(sandbox, { file: 'sh', args: ['-c', script] }, privilege);
  const xz = await time(packed.file, packed.args);
  const kernel = await storeEntry(description, 'kernel');
  const kernelBytes = (await stat(join(kernel, 'Image'))).size;
  const du = await time('du', ['--summarize', '--apparent-size', '--block-size=1', join(kernel, 'modules')]);
  const moduleBytes = Number.parseInt(du.stdout, 10);
  return [
    { what: 'Image', value: megabytes(size), target: '≤ 433 MB', how: `apparent; ${megabytes(blocks * 512)} on disk` },
    {
      what: 'Image, xz -T0 -6',
      value: megabytes(Number(xz.stdout)),
      target: '≤ 118 MB',
      how: `takes ${seconds(xz.seconds)}`,
    },
    {
      what: 'Kernel Image + modules',
      value: megabytes(kernelBytes + moduleBytes),
      target: '≤ 30 MB',
      how: `${megabytes(kernelBytes)} + ${megabytes(moduleBytes)}, modules stripped and zstd-compressed`,
    },
  ];
}
