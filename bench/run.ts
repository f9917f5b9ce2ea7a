// npm run bench -- [warm] [sizes] [stages] [boot] [rootfs] [cold] [inject] [fleet] [flash] [small] [--board rpi4] [--image FILE] [--runs 5]
import { mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureBoot } from './boot.js';
import { measureCold } from './cold.js';
import { measureFlash } from './flash.js';
import { measureFleet } from './fleet.js';
import { measureInject } from './inject.js';
import type { Figure } from './figure.js';
import { asMarkdown, machine } from './figure.js';
import { readDescription } from './image-description.js';
import { measureRootfs } from './rootfs.js';
import { measureSmall } from './small.js';
import { measureSizes } from './sizes.js';
import { readStageTimes } from './stages.js';
import { timeCli } from './timing.js';
import { measureWarm } from './warm.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    board: { type: 'string', default: 'rpi4' },
    /** An image that was built before, with its .json beside it; made when it is left out. */
    image: { type: 'string' },
    runs: { type: 'string', default: '5' },
  },
});
const { board } = values;
/** Not /tmp, which may be in memory: images lie here. */
const folder = await mkdtemp('/var/tmp/reswarm-os-bench-');

async function image(): Promise<string> {
  if (values.image !== undefined) return resolve(values.image);
  const made = join(folder, 'image.img');
  await timeCli(['build', '--board', board, '--output', made]);
  return made;
}

const measurements: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  warm: () => measureWarm(board, folder, Number(values.runs)),
  sizes: async () => {
    const path = await image();
    return measureSizes(path, await readDescription(path));
  },
  stages: async () => readStageTimes(await readDescription(await image())),
  boot: async () => measureBoot(await image()),
  rootfs: () => measureRootfs(board, folder),
  cold: () => measureCold(board, folder),
  inject: async () => measureInject(await image(), folder, Number(values.runs)),
  fleet: async () => measureFleet(await image(), folder),
  small: () => measureSmall(folder),
  flash: async () => measureFlash(await image(), folder, Number(values.runs)),
};

try {
  console.log(`${new Date().toISOString()}, ${machine()}\n`);
  for (const name of positionals.length === 0 ? ['warm', 'sizes', 'stages', 'boot'] : positionals) {
    const measure = measurements[name];
    if (measure === undefined) throw new Error(`${name} is none of ${Object.keys(measurements).join(', ')}`);
    console.log(`${asMarkdown(await measure())}\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
