import { spawn } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from './figure.js';
import { seconds } from './figure.js';
import { CLI, timeCli } from './timing.js';

const ONE_BOX = 10;
const FEW = 1_000;
const MANY = 10_000;
/** Of a made-up key pair. */
const KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(42)}A bench`;

/** What a fleet costs: seeds checked and written, overlays, and the memory that many times as many devices take. */
export async function measureFleet(image: string, folder: string): Promise<readonly Figure[]> {
  const few = await writeFleet(folder, FEW);
  const many = await writeFleet(folder, MANY);
  // The first one fetches cloud-init's schemas where the store does not have them.
  await timeCli(['fleet', 'check', few]);
  const check = await timeCli(['fleet', 'check', few]);
  const render = await timeCli(['fleet', 'render', few, '--out', join(folder, 'seeds')]);
  const overlays = join(folder, 'overlays');
  const images = await timeCli(['fleet', 'images', few, '--base', image, '--out', overlays]);
  const sizes = await Promise.all(
    (await readdir(overlays))
      .filter((name) => name.endsWith('.overlay'))
      .map(async (name) => (await stat(join(overlays, name))).size),
  );
  const box = await writeFleet(folder, ONE_BOX);
  const [boxBytes, fewBytes, manyBytes] = [
    await peakBytes(['fleet', 'check', box]),
    await peakBytes(['fleet', 'check', few]),
    await peakBytes(['fleet', 'check', many]),
  ];
  const cpu = (cpuSeconds: number): string => `${seconds(cpuSeconds)} of processor time`;
  return [
    {
      what: `\`fleet check\`, ${FEW} devices`,
      value: seconds(check.seconds),
      target: '≤ 10 s',
      how: cpu(check.cpuSeconds),
    },
    {
      what: `\`fleet render\`, ${FEW} validated seeds written`,
      value: seconds(render.seconds),
      target: '≤ 10 s',
      how: cpu(render.cpuSeconds),
    },
    { what: `\`fleet images\`, ${FEW} overlays`, value: seconds(images.seconds), how: cpu(images.cpuSeconds) },
    {
      what: 'Largest overlay (name, key, address, Wi-Fi)',
      value: `${(Math.max(...sizes) / 1024).toFixed(1)} KiB`,
      target: '≤ 100 KiB',
      how: `of ${sizes.length}`,
    },
    {
      what: `Memory at most, ${ONE_BOX} devices`,
      value: mebibytes(boxBytes),
      how: 'VmHWM of `fleet check`, heap of 96 MiB',
    },
    {
      what: `Memory at most, ${FEW} devices`,
      value: mebibytes(fewBytes),
      how: 'the same',
    },
    { what: `Memory at most, ${MANY} devices`, value: mebibytes(manyBytes), target: 'flat', how: 'the same' },
  ];
}

async function writeFleet(folder: string, count: number): Promise<string> {
  const rows = Array.from({ length: count }, (_, index) => {
    const address = `10.0.${Math.floor(index / 200)}.${(index % 200) + 10}/16`;
    return `gate-${index},A-${index},${address},10.0.0.1,plant,correct horse battery,DE,${KEY}`;
  });
  const header = 'name,serial,network.address,network.gateway,wifi.ssid,wifi.passphrase,wifi.country,ssh-keys';
  const path = join(folder, `fleet-${count}.csv`);
  await writeFile(path, [header, ...rows, ''].join('\n'), { mode: 0o600 });
  return path;
}

/** The most that stays in memory. V8 puts off collecting garbage while there is room, so the heap has a limit. */
async function peakBytes(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ['--max-old-space-size=96', CLI, ...args], { stdio: 'ignore' });
  let peak = 0;
  const watch = setInterval(() => {
    readFile(`/proc/${child.pid ?? 0}/status`, 'utf8').then(
      (status) => (peak = Math.max(peak, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024)),
      () => undefined,
    );
  }, 50);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(watch);
  if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode ?? 'a signal'}`);
  return peak;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
