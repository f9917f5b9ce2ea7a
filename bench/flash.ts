import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from './figure.js';
import { megabytes, seconds } from './figure.js';
import { CLI, median, time, timeCli } from './timing.js';

/** As fast as a good SD card; nbdkit counts in bits. */
const CARD_BYTES_PER_SECOND = 40e6;
const SPARE_BYTES = 64 * 1024 * 1024;

type Image = { readonly name: string; readonly path: string; readonly sizeBytes: number; readonly mappedBytes: number };

/** Seconds of one round, side by side. */
type Round = {
  readonly ddWhole: number;
  readonly ddMapped: number;
  readonly read: number;
  readonly bmaptool: number;
  readonly flash: { readonly write: number; readonly readBack: number; readonly total: number };
};

/**
 * `flash` beside `dd bs=4M oflag=direct` and Debian's bmaptool: on a loop device with direct I/O, and on one behind
 * which nbdkit is as slow as a card, where the machine's other work hardly shows. Needs root, nbdkit, nbdfuse, bmaptool.
 */
export async function measureFlash(image: string, folder: string, runs: number): Promise<readonly Figure[]> {
  const roomy = await roomyImage(folder);
  const images = [await survey('image as it is', image, folder), await survey('root of 1 GiB', roomy, folder)];
  const figures: Figure[] = [];
  for (const one of images) {
    figures.push(
      ...(await withDevice(folder, one, false, async (device) => compare(one, device, 'loop', folder, runs))),
    );
  }
  const [, large] = images;
  if (large === undefined) return figures;
  figures.push(
    ...(await withDevice(folder, large, true, (device) => compare(large, device, '40 MB/s card', folder, runs))),
    ...(await memory(images, folder)),
  );
  return figures;
}

/** The same system with free space in its root file system, as most images have. */
async function roomyImage(folder: string): Promise<string> {
  const board = join(folder, 'roomy.yaml');
  await writeFile(board, 'extends: rpi4\nid: roomy\nname: Roomy\npartitions: { root: { size: 1G } }\n');
  const path = join(folder, 'roomy.img');
  await timeCli(['build', '--board', board, '--output', path]);
  return path;
}

async function survey(name: string, path: string, folder: string): Promise<Image> {
  const { size } = await stat(path);
  const mappedBytes = await withLoop(join(folder, 'survey.card'), size, async (device) => {
    const { result } = await timeCli(['flash', path, '--to', device, '--dry-run']);
    return (result as { plan: { writtenBytes: number } }).plan.writtenBytes;
  });
  return { name, path, sizeBytes: size, mappedBytes };
}

async function compare(
  image: Image,
  device: string,
  kind: string,
  folder: string,
  runs: number,
): Promise<readonly Figure[]> {
  const rounds: Round[] = [];
  for (let run = 0; run < runs; run += 1) rounds.push(await round(image, device, folder));
  const middle = (of: (round: Round) => number): number => median(rounds.map(of));
  const spread = (of: (round: Round) => number): string => {
    const all = rounds.map(of);
    return `${seconds(Math.min(...all))} to ${seconds(Math.max(...all))}`;
  };
  const of = `${image.name}, ${kind}`;
  const row = (what: string, value: (round: Round) => number, how = ''): Figure => ({
    what: `${what} (${of})`,
    value: seconds(middle(value)),
    how: [spread(value), how].filter((word) => word !== '').join('; '),
  });
  const ratio = (what: string, value: (round: Round) => number, target: string): Figure => ({
    what: `${what} (${of})`,
    value: middle(value).toFixed(2),
    target,
    how: `median of ${runs} rounds: ${rounds.map((one) => value(one).toFixed(2)).join(', ')}`,
  });
  return [
    row('`dd`, whole image', ({ ddWhole }) => ddWhole, megabytes(image.sizeBytes)),
    row('`dd`, as many bytes as are mapped', ({ ddMapped }) => ddMapped, megabytes(image.mappedBytes)),
    row('`dd`, reading these', ({ read }) => read),
    row('`bmaptool copy`, no read-back', ({ bmaptool }) => bmaptool),
    row('`flash`, writing', ({ flash }) => flash.write),
    row('`flash`, reading back', ({ flash }) => flash.readBack),
    row('`flash`, start to end', ({ flash }) => flash.total),
    ratio('Write speed ÷ dd, mapped bytes', (one) => one.ddMapped / one.flash.write, '≥ 0.95'),
    ratio('Writing ÷ full dd', (one) => one.flash.write / one.ddWhole, '≤ 0.6'),
    ratio('Read-back ÷ pure reading', (one) => one.flash.readBack / one.read, '≤ 1.1'),
  ];
}

async function round({ path, mappedBytes }: Image, device: string, folder: string): Promise<Round> {
  // All read the image from memory, so that only the card counts.
  await time('dd', [`if=${path}`, 'of=/dev/null', 'bs=4M', 'status=none']);
  const write = [`if=${path}`, `of=${device}`, 'bs=4M', 'oflag=direct', 'conv=fsync,notrunc', 'status=none'];
  const ddWhole = await time('dd', write);
  const flash = await flashPhases(path, device, folder);
  const ddMapped = await time('dd', [...write, 'iflag=count_bytes,fullblock', `count=${mappedBytes}`]);
  const input = ['iflag=direct,count_bytes', `count=${mappedBytes}`];
  const read = await time('dd', [`if=${device}`, 'of=/dev/null', 'bs=4M', ...input, 'status=none']);
  const bmap = await time('bmaptool', ['-q', 'copy', '--bmap', `${path}.bmap`, path, device]);
  return {
    ddWhole: ddWhole.seconds,
    ddMapped: ddMapped.seconds,
    read: read.seconds,
    bmaptool: bmap.seconds,
    flash,
  };
}

async function flashPhases(path: string, device: string, folder: string): Promise<Round['flash']> {
  const { phases, totalSeconds } = await runFlash([path, '--to', device], folder);
  const at = (phase: string): number => phases.get(phase) ?? 0;
  return {
    // From the erasing of the old table to the last byte on the card; then to the last byte compared.
    write: at('reading-back') - at('preparing'),
    readBack: at('sealing') - at('reading-back'),
    total: totalSeconds,
  };
}

type FlashRun = {
  readonly phases: ReadonlyMap<string, number>;
  readonly totalSeconds: number;
  readonly peakBytes: number;
};

async function runFlash(args: readonly string[], folder: string): Promise<FlashRun> {
  const started = performance.now();
  const child = spawn(process.execPath, [CLI, 'flash', ...args, '--yes', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(folder, 'cache') },
  });
  const phases = new Map<string, number>();
  let peakBytes = 0;
  const watch = setInterval(() => {
    readFile(`/proc/${child.pid ?? 0}/status`, 'utf8').then(
      (status) => (peakBytes = Math.max(peakBytes, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024)),
      () => undefined,
    );
  }, 50);
  let last = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = line;
    const { type, phase, time: at } = JSON.parse(line) as { type?: string; phase?: string; time?: string };
    if (type !== 'card-progress' || phase === undefined || phases.has(phase)) return;
    phases.set(phase, Date.parse(at ?? '') / 1000);
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(watch);
  if (exitCode !== 0) throw new Error(`flash ${args.join(' ')} ended with ${exitCode ?? 'a signal'}: ${last}`);
  return { phases, totalSeconds: (performance.now() - started) / 1000, peakBytes };
}

/** What stays in memory at most: both images, all of the larger one, and five cards at once. */
async function memory(images: readonly Image[], folder: string): Promise<readonly Figure[]> {
  const [small, large] = images;
  if (small === undefined || large === undefined) return [];
  const sizeBytes = large.sizeBytes + SPARE_BYTES;
  const cards = ['a', 'b', 'c', 'd', 'e'].map((name) => join(folder, `${name}.card`));
  const peak = async (image: Image, count: number, more: readonly string[] = []): Promise<number> => {
    const measured = async (devices: readonly string[]): Promise<number> => {
      const next = cards[devices.length];
      if (devices.length < count && next !== undefined) {
        return withLoop(next, sizeBytes, (device) => measured([...devices, device]));
      }
      return (await runFlash([image.path, ...devices.flatMap((device) => ['--to', device]), ...more], folder))
        .peakBytes;
    };
    return measured([]);
  };
  const one = await peak(small, 1);
  const whole = await peak(large, 1, ['--all-blocks']);
  const five = await peak(small, 5);
  return [
    {
      what: 'Memory, one card',
      value: megabytes(one),
      target: '≤ 150 MB',
      how: `VmHWM; image of ${megabytes(small.sizeBytes)}`,
    },
    {
      what: 'Memory, larger image',
      value: megabytes(whole),
      target: 'the same',
      how: `all ${megabytes(large.sizeBytes)} written`,
    },
    {
      what: 'Memory, each further card',
      value: megabytes((five - one) / 4),
      target: '≤ 16 MB',
      how: `five cards: ${megabytes(five)}`,
    },
  ];
}

async function withDevice<T>(
  folder: string,
  image: Image,
  slow: boolean,
  use: (device: string) => Promise<T>,
): Promise<T> {
  const sizeBytes = image.sizeBytes + SPARE_BYTES;
  const file = join(folder, 'card');
  if (!slow) return withLoop(file, sizeBytes, use);
  await writeFile(file, '');
  await time('truncate', ['-s', sizeBytes.toString(), file]);
  const mount = join(folder, 'slow');
  await mkdir(mount, { recursive: true });
  const served = join(mount, 'disk');
  await writeFile(served, '');
  // Without a small burst whoever comes after a pause gets two seconds for nothing.
  const rate = [`rate=${CARD_BYTES_PER_SECOND * 8}`, 'burstiness=0.1'];
  const server = spawn('nbdfuse', [served, '--command', 'nbdkit', '--single', '--filter=rate', 'file', file, ...rate], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    for (let tries = 0; (await stat(served)).size !== sizeBytes; tries += 1) {
      if (tries === 100) throw new Error('nbdfuse does not serve the card');
      await sleep(100);
    }
    return await attached(served, use);
  } finally {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    await time('umount', ['--lazy', served]);
    server.kill();
    await ended;
    await rm(file);
  }
}

async function withLoop<T>(file: string, sizeBytes: number, use: (device: string) => Promise<T>): Promise<T> {
  await writeFile(file, '');
  // Room that is there: a file that grows while it is written is no card.
  await time('fallocate', ['-l', sizeBytes.toString(), file]);
  try {
    return await attached(file, use);
  } finally {
    await rm(file);
  }
}

async function attached<T>(file: string, use: (device: string) => Promise<T>): Promise<T> {
  const { stdout } = await time('losetup', ['--find', '--show', '--direct-io=on', file]);
  const device = stdout.trim();
  try {
    return await use(device);
  } finally {
    await time('losetup', ['--detach', device]);
  }
}
