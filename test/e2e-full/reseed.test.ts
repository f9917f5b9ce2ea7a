import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli, resultOf } from '../helpers/cli.js';
import type { Gate } from '../helpers/fleet-files.js';
import { identityOf, writeGates } from '../helpers/fleet-files.js';
import { imageTool } from '../helpers/image-tools.js';

let folder: string;
let gates: readonly Gate[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-reseed-'));
  gates = await writeGates(folder, ['ada', 'bo']);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** What a machine would leave on the card: the overlay that it wrote to, put together with the image below. */
async function bootedCard(image: string, snapshot: string): Promise<string> {
  const below = `/run/boot/image/${await digestOf(join(folder, image))}`;
  const mounts = [
    { source: folder, target: '/mnt', writable: true },
    { source: join(folder, image), target: below },
  ];
  await imageTool(mounts, 'qemu-img', 'convert', '-O', 'raw', `/mnt/${snapshot}`, '/mnt/booted.img');
  return join(folder, 'booted.img');
}

async function boot(image: string, ...more: readonly string[]): Promise<string> {
  const log = join(folder, 'console.log');
  const booted = await cli(['boot', image, '--check', '--json', '--timeout', '900', '--log', log, ...more]);
  expect(booted.exitCode, booted.stdout.slice(-4000)).toBe(0);
  return readFile(log, 'utf8');
}

it('a card that has booted as one device boots as another one after a reseed', async () => {
  const [first, second] = gates;
  if (first === undefined || second === undefined) throw new Error('there are two');
  const image = join(folder, 'card.img');
  const built = await cli(['build', '--board', 'rpi4', '--yes', '--json', '--output', image]);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  const seed = ['--user-data', join(folder, 'user-data')];
  const own = (gate: Gate) => [
    '--hostname',
    gate.name,
    '--user',
    gate.user,
    '--ssh-key',
    join(folder, `${gate.name}.pub`),
  ];
  const injected = await cli(['inject', image, ...seed, ...own(first), '--json']);
  expect(injected.exitCode, injected.stdout + injected.stderr).toBe(0);
  const before = await boot(image, '--snapshot', join(folder, 'card.qcow2'));
  expect(identityOf(before).join('\n')).toContain(
    `identity key ${first.name} /home/${first.user}/.ssh/authorized_keys ${first.key}`,
  );

  const card = await bootedCard('card.img', 'card.qcow2');
  const root = JSON.parse(await imageTool([{ source: folder, target: '/mnt' }], 'sfdisk', '-J', '/mnt/booted.img')) as {
    partitiontable: { partitions: { start: number }[] };
  };
  const offset = (root.partitiontable.partitions[1]?.start ?? 0) * 512;
  const reseeded = await cli(['reseed', card, ...seed, ...own(second), '--json']);
  expect(reseeded.exitCode, reseeded.stdout + reseeded.stderr).toBe(0);
  const { instanceId } = resultOf(injected) as unknown as { instanceId: string };
  expect(resultOf(reseeded)).toMatchObject({
    changed: true,
    card: { hasBooted: true, instanceId, instances: [instanceId] },
  });
  await imageTool([{ source: folder, target: '/mnt' }], 'e2fsck', '-fn', `/mnt/booted.img?offset=${offset}`);

  const after = await boot(card);
  expect(identityOf(after)).toContain(
    `identity key ${second.name} /home/${second.user}/.ssh/authorized_keys ${second.key}`,
  );
  // A new device has host keys of its own.
  const hostKey = (console: string) => /identity host-key \S+ (\S+)/.exec(console)?.[1];
  expect(hostKey(after)).toBeDefined();
  expect(hostKey(after)).not.toBe(hostKey(before));
  // What the first seed did is not undone, as the command says.
  expect(identityOf(after).join('\n')).toContain(`/home/${first.user}/.ssh/authorized_keys ${first.key}`);
});
