import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BootProof } from '../src/model/boot-proof.js';
import type { Figure } from './figure.js';
import { megabytes, seconds } from './figure.js';
import { timeCli } from './timing.js';

type SmallSystem = {
  readonly what: string;
  readonly args: readonly string[];
  readonly size: string;
  readonly boot: string;
};

/** As small as they get: the files themselves, compressed as one by xz. `minimal` itself starts faster. */
const SMALLEST = 'extends: minimal\nid: minimal-xz\nfilesystem: initramfs\ncompression: xz\n';

/** Beyond it nothing here needs more; QEMU counts in MiB. */
const MOST_MEMORY = 512;
/** Precision of the bisection. */
const MEMORY_STEP = 8;

/** ISOs of small systems for a PC: size, time to what they are for, memory that they need. */
export async function measureSmall(folder: string): Promise<readonly Figure[]> {
  const smallest = join(folder, 'minimal-xz.yaml');
  await writeFile(smallest, SMALLEST);
  const workload = (name: string, system = 'minimal') => ['--system', system, '--workload', name];
  const systems: readonly SmallSystem[] = [
    { what: 'tiny', args: ['--system', 'tiny'], size: '≤ 4 MB', boot: '≤ 3 s' },
    { what: 'static C', args: workload('static-c'), size: '≤ 2.5 MB', boot: '≤ 3 s' },
    { what: 'nginx', args: workload('nginx'), size: '', boot: '' },
    { what: 'Python', args: workload('python'), size: '≤ 12 MB', boot: '' },
    { what: 'Node.js', args: workload('node'), size: '', boot: '≤ 10 s' },
    { what: 'Node.js, xz', args: workload('node', smallest), size: '≤ 28 MB', boot: '' },
  ];
  const figures: Figure[] = [];
  for (const system of systems) figures.push(...(await measureOne(system, folder)));
  return figures;
}

async function measureOne({ what, args, size, boot }: SmallSystem, folder: string): Promise<readonly Figure[]> {
  const image = join(folder, 'small.iso');
  const { seconds: wall, result } = await timeCli(['build', '--board', 'pc-amd64', ...args, '--output', image]);
  const { sizeBytes } = result as { readonly sizeBytes: number };
  const proof = await started(image, MOST_MEMORY);
  if (proof?.bootSeconds === undefined) throw new Error(`${what} does not start with ${MOST_MEMORY} MiB`);
  const memory = await leastMemory(image);
  return [
    { what: `${what}: ISO`, value: megabytes(sizeBytes), target: size, how: `built in ${seconds(wall)}` },
    { what: `${what}: power-on to ready`, value: seconds(proof.bootSeconds), target: boot, how: 'q35, BIOS, TCG' },
    { what: `${what}: memory`, value: `${memory} MiB`, how: `bisected to ${MEMORY_STEP} MiB, GRUB's share in it` },
  ];
}

/** The least memory with which the check passes, in steps; more than that is known to be enough. */
async function leastMemory(image: string): Promise<number> {
  let [fails, works] = [0, MOST_MEMORY];
  while (works - fails > MEMORY_STEP) {
    const middle = Math.round((fails + works) / 2 / MEMORY_STEP) * MEMORY_STEP;
    if ((await started(image, middle)) === undefined) fails = middle;
    else works = middle;
  }
  return works;
}

/** The proof of a boot; undefined where the system does not start or does not do what it is for. */
async function started(image: string, memory: number): Promise<BootProof | undefined> {
  const args = ['boot', image, '--check', '--firmware', 'bios', '--memory', `${memory}M`, '--timeout', '60'];
  try {
    return (await timeCli(args)).result as BootProof;
  } catch (error) {
    // 3: this machine was too busy to tell, which says nothing of the memory.
    if (error instanceof Error && / ended with 1\n/.test(error.message)) return undefined;
    throw error;
  }
}
