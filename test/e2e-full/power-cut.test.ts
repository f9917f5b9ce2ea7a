import { execFile } from 'node:child_process';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import type { BootProof } from '../../src/model/boot-proof.js';
import { overlayInfoCommand, overlayWriteCommand } from '../../src/model/qemu.js';
import type { Command } from '../../src/model/command.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import type { BuiltImage } from '../../src/build/build-image.js';
import { arm64Program } from '../helpers/arm64-program.js';
import { savedImage, tarOf } from '../helpers/archives.js';
import { cli, cliInterrupted, resultOf } from '../helpers/cli.js';
import type { PrivateStore } from '../helpers/private-store.js';
import { processesOf, removeStore, withoutStages } from '../helpers/private-store.js';

const run = promisify(execFile);
const facts = readHostFacts(process.env);

/** Seconds from the start of systemd: while the root file system grows on the first boot, then anywhere in later ones. */
const GROWING = { from: 0, until: 8 } as const;
const ANYWHERE = [
  { from: 0, until: 25 },
  { from: 0, until: 60 },
  { from: 30, until: 60 },
] as const;

/** What was written is on the card after 15 s; the rest is for a machine that is emulated on a busy one. */
const LOST_SECONDS = 25;

/** Writes without fsync to both file systems, says so, and goes on until the end. */
const WRITER = `software:
  - name: writer
    files: []
    units:
      - name: writer.service
        text: |
          [Unit]
          DefaultDependencies=no
          RequiresMountsFor=/var/lib /boot
          After=systemd-remount-fs.service reswarm-grow-root.service
          Conflicts=shutdown.target
          Before=shutdown.target
          [Service]
          ExecStart=/bin/bash -c 'read -r boot < /proc/sys/kernel/random/boot_id; for ((n = 1;; n++)); do echo "$$boot $$n" | tee -a /var/lib/written >> /boot/written; echo "written $$boot $$n" > /dev/kmsg; sleep 1; done'
          [Install]
          WantedBy=sysinit.target
`;

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKvQhRtgmM6SmyHCV9wbWN2HfFZkVzKyvBdRGMSlwWQx ada@example.org\n';

let store: PrivateStore;
let folder: string;
let image: string;
let card: string;
let tools: string;
/** Of the image, by which its card knows it. */
let digest: string;

beforeAll(async () => {
  store = await withoutStages([]);
  folder = store.images;
  image = join(folder, 'rpi4.img');
  card = join(folder, 'card.qcow2');
  await writeFile(join(folder, 'writer.yaml'), WRITER);
  const layer = tarOf([{ path: 'app', data: arm64Program('hello\n'), mode: 0o755 }]);
  await writeFile(join(folder, 'app.tar'), tarOf(savedImage({ tags: ['test/app:1'], layer, command: ['/app'] })));
  const content = ['--software', join(folder, 'writer.yaml'), '--docker-image', join(folder, 'app.tar')];
  await writeFile(join(folder, 'key.pub'), KEY);
  const seed = ['--hostname', 'gate-7', '--ssh-key', join(folder, 'key.pub')];
  const built = await cli(['build', '--board', 'rpi4', '--yes', '--json', '--output', image, ...content, ...seed]);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  ({ sha256: digest } = resultOf(built) as unknown as BuiltImage);
  const { entries } = resultOf(await cli(['cache', 'list', '--json'])) as unknown as {
    entries: { stage: string; path: string }[];
  };
  tools = join(entries.find(({ stage }) => stage === 'tools')?.path ?? '', 'out/tree');
});

afterAll(async () => {
  await removeStore(store);
});

/** A program of the tools tree, with the image where the card knows it and the folder at /mnt. */
async function tool(command: Command): Promise<string> {
  const mounts = [
    { source: image, target: `/run/boot/image/${digest}` },
    { source: folder, target: '/mnt', writable: true },
  ];
  const { file, args } = sandboxed({ root: tools, mounts }, command, facts.privilege);
  return (await run(file, args, { maxBuffer: 64 * MiB })).stdout;
}

function check(log: string): readonly string[] {
  return ['boot', image, '--check', '--snapshot', card, '--log', log, '--timeout', '1200'];
}

/** A whole boot of the card, which has to pass. */
async function proof(log: string): Promise<BootProof> {
  const checked = await cli([...check(log), '--json'], { env: store.env });
  expect(checked.exitCode, checked.stdout.slice(-4000)).toBe(0);
  return resultOf(checked) as unknown as BootProof;
}

/** The card's partition reaches its end and the file system does not: as if power was cut in between. */
async function growPartitionOnly(): Promise<void> {
  const { 'virtual-size': cardBytes } = JSON.parse(await tool(overlayInfoCommand('/mnt/card.qcow2'))) as {
    'virtual-size': number;
  };
  const mbr = Buffer.alloc(512);
  const file = await open(image);
  await file.read(mbr, 0, 512, 0);
  await file.close();
  const second = 446 + 16;
  mbr.writeUInt32LE(cardBytes / 512 - mbr.readUInt32LE(second + 8), second + 12);
  await writeFile(join(folder, 'mbr'), mbr);
  await tool(overlayWriteCommand('/mnt/card.qcow2', '/mnt/mbr', 0, 512));
}

async function gone(): Promise<void> {
  await expect.poll(() => processesOf(folder), { timeout: 10_000 }).toEqual([]);
}

type Lines = readonly { readonly boot: string; readonly n: number; readonly seconds: number }[];

/** What the writer said, and when, by the clock of the machine. */
function saidBy(console: string): Lines {
  const lines = console.matchAll(/\[ *(\d+\.\d+)\] written (\S{36}) (\d+)/g);
  return [...lines].map(([, seconds, boot = '', n]) => ({ boot, n: Number(n), seconds: Number(seconds) }));
}

/** Checks the file systems of the card as it is, on a copy; returns what the writer's file holds. */
async function examine(bootFiles: ReadonlyMap<string, string>): Promise<string> {
  const raw = 'card.raw';
  await tool({ file: 'qemu-img', args: ['convert', '-O', 'raw', '/mnt/card.qcow2', `/mnt/${raw}`] });
  const table = JSON.parse(await tool({ file: 'sfdisk', args: ['-J', `/mnt/${raw}`] })) as {
    partitiontable: { partitions: { start: number }[] };
  };
  const [boot = 0, root = 0] = table.partitiontable.partitions.map(({ start }) => start * 512);
  // A file of its own: e2fsck forgets an offset when it opens the file system again after its journal was played back.
  const ext4 = '/mnt/root.raw';
  const copy = [`if=/mnt/${raw}`, `of=${ext4}`, 'iflag=skip_bytes', `skip=${root}`, 'bs=4M', 'conv=sparse'];
  await tool({ file: 'dd', args: [...copy, 'status=none'] });
  // Plays the journal back as the boot does: 0, or 1 for what it changed.
  await tool({ file: 'sh', args: ['-c', `e2fsck -p '${ext4}' || [ $? -eq 1 ]`] });
  await tool({ file: 'e2fsck', args: ['-fn', ext4] });
  for (const [name, before] of bootFiles) {
    expect(await fatDigest(`/mnt/${raw}@@${boot}`, name), `${name} on the FAT`).toBe(before);
  }
  const written = await tool({ file: 'debugfs', args: ['-R', 'cat /var/lib/written', ext4] });
  await rm(join(folder, raw));
  await rm(join(folder, 'root.raw'));
  return written;
}

async function fatDigest(drive: string, name: string): Promise<string> {
  return tool({ file: 'sh', args: ['-c', `mtype -i ${drive} ::/${name} | sha256sum`] });
}

it('a device whose power is cut while it grows, or in any later boot, comes back whole, without the last seconds only', async () => {
  const bootFiles = new Map<string, string>();
  for (const name of ['kernel8.img', 'cmdline.txt', 'config.txt', 'user-data', 'meta-data', 'start4.elf']) {
    bootFiles.set(name, await fatDigest(`/mnt/rpi4.img@@${4 * MiB}`, name));
  }
  const log = join(folder, 'console.log');
  await cliInterrupted(
    check(log),
    ['SIGKILL'],
    (event) => event.stage === 'kernel' && event.type === 'stage-finished',
    store,
  );
  await gone();
  await growPartitionOnly();

  const cut = async ({ from, until }: { readonly from: number; readonly until: number }): Promise<void> => {
    const delayMs = Math.round((from + Math.random() * (until - from)) * 1000);
    const started = (event: { stage?: string; type?: string }): boolean =>
      event.stage === 'systemd' && event.type === 'stage-finished';
    const ended = await cliInterrupted(check(log), ['SIGKILL'], started, { env: store.env, delayMs });
    expect(ended.interrupted, ended.output).toBe(true);
    await gone();
    const console = await readFile(log, 'utf8');
    const written = await examine(bootFiles);
    const said = saidBy(console);
    const end = Math.max(0, ...[...console.matchAll(/^\[ *(\d+\.\d+)\]/gm)].map(([, seconds]) => Number(seconds)));
    globalThis.console.log(`cut ${delayMs} ms after systemd, at ${end} s; ${said.length} lines said`);
    for (const { boot, n, seconds } of said) {
      if (seconds < end - LOST_SECONDS) expect(written, `cut after ${delayMs} ms`).toContain(`${boot} ${n}\n`);
    }
  };

  await cut(GROWING);
  const first = await proof(log);
  expect(first.milestones.find(({ name }) => name === 'container')?.detail).toContain('1 image came along');
  for (const moment of ANYWHERE) await cut(moment);
  await proof(log);
});

/** The notes of cloud-init reach the card before what it notes; in between, the host keys were found empty. */
const AFTER_KEYS_MS = 3000;

it('a first boot whose power is cut after keys and users were made is done again, once', async () => {
  await rm(card, { force: true });
  const log = join(folder, 'first.log');
  const keysMade = expect
    .poll(async () => readFile(log, 'utf8').catch(() => ''), { timeout: 600_000, interval: 100 })
    .toMatch(/Finished .*cloud-init-network\.service/);
  const ended = await cliInterrupted(check(log), ['SIGKILL'], keysMade, { env: store.env, delayMs: AFTER_KEYS_MS });
  expect(ended.interrupted, ended.output).toBe(true);
  await gone();

  const { milestones } = await proof(log);
  const detail = (wanted: string) => milestones.find(({ name }) => name === wanted)?.detail;
  expect(detail('accounts')).toBe('reswarm with 1 key');
  expect(detail('ssh')).toMatch(/3 host keys/);
  expect(await readFile(log, 'utf8')).toContain('The first boot was cut off');

  await proof(log);
  expect(await readFile(log, 'utf8')).not.toContain('The first boot was cut off');
});
