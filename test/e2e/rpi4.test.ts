import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageReport } from '../../src/inspect/image-report.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import type { BuiltImage } from '../../src/build/build-image.js';
import type { CliResult } from '../helpers/cli.js';
import { cli, resultOf } from '../helpers/cli.js';

const run = promisify(execFile);
const facts = readHostFacts(process.env);

const USER_DATA = `#cloud-config
users:
  - default
  - name: ada
    groups: [docker, sudo]
    shell: /bin/bash
    lock_passwd: true
    ssh_authorized_keys:
      - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKvQhRtgmM6SmyHCV9wbWN2HfFZkVzKyvBdRGMSlwWQx ada@example.org
runcmd:
  - [sh, -c, 'echo "runcmd ran on $(hostname)" > /dev/kmsg']
`;

let folder: string;
let image: string;
let built: CliResult;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-'));
  await writeFile(join(folder, 'user-data'), USER_DATA);
  image = join(folder, 'rpi4.img');
  built = await build();
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function build(...more: readonly string[]): Promise<CliResult> {
  const seed = ['--hostname', 'gate-7', '--user-data', join(folder, 'user-data')];
  return cli(['build', '--board', 'rpi4', '--yes', '--json', '--output', image, ...seed, ...more]);
}

function imageOf(result: CliResult): BuiltImage {
  return resultOf(result) as unknown as BuiltImage;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Another program of the tools tree looks at the image, which lies at /mnt. */
async function tool(file: string, ...args: readonly string[]): Promise<string> {
  const listing = await cli(['cache', 'list', '--json']);
  const { entries } = resultOf(listing) as unknown as { entries: { stage: string; path: string }[] };
  const tools = entries.find(({ stage }) => stage === 'tools');
  if (tools === undefined) throw new Error('the store has no tools');
  const mounts = [{ source: folder, target: '/mnt' }];
  const command = sandboxed({ root: join(tools.path, 'out/tree'), mounts }, { file, args }, facts.privilege);
  return (await run(command.file, command.args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
}

describe('an image for the Raspberry Pi 4', () => {
  it('is built by one command', async () => {
    expect(built.exitCode, built.stderr + built.stdout.slice(-2000)).toBe(0);
    const result = imageOf(built);
    expect(result).toMatchObject({ board: 'rpi4', image, unchanged: false });
    expect(result.sizeBytes).toBe((await stat(image)).size);
    expect(result.sha256).toBe(await digestOf(image));
  });

  it('went through the stages that a dry run lists, in that order', async () => {
    const { stages } = resultOf(await build('--dry-run')) as unknown as { stages: { stage: string; key?: string }[] };
    const ran = imageOf(built).stages;
    expect(stages.map(({ stage }) => stage)).toEqual(ran.map(({ stage }) => stage));
    expect(stages.map(({ key }) => key)).toEqual(ran.map(({ key }) => key));
  });

  it('stays below 479 MB: packages keep all but documentation and translations', async () => {
    expect((await stat(image)).size).toBeLessThanOrEqual(479_000_000);
  });

  it('is for its owner only, since it carries a seed of its own', async () => {
    expect((await stat(image)).mode & 0o077).toBe(0);
  });

  it('has two partitions whose file systems are clean', async () => {
    const { partitiontable } = JSON.parse(await tool('sfdisk', '-J', '/mnt/rpi4.img')) as {
      partitiontable: { label: string; partitions: { start: number; type: string; bootable?: boolean }[] };
    };
    expect(partitiontable.label).toBe('dos');
    expect(partitiontable.partitions.map(({ type }) => type)).toEqual(['c', '83']);
    const [boot = 0, root = 0] = partitiontable.partitions.map(({ start }) => start * 512);
    await tool('e2fsck', '-fn', `/mnt/rpi4.img?offset=${root}`);
    const files = (await tool('mdir', '-b', '-i', `/mnt/rpi4.img@@${boot}`, '::/')).trim().split('\n');
    expect(files).toEqual(
      expect.arrayContaining([
        '::/start4.elf',
        '::/fixup4.dat',
        '::/kernel8.img',
        '::/config.txt',
        '::/bcm2711-rpi-4-b.dtb',
      ]),
    );
    expect(await tool('mtype', '-i', `/mnt/rpi4.img@@${boot}`, '::/meta-data')).toMatch(/^local-hostname: "gate-7"$/m);
  });

  it('does nothing when it is built again with the same inputs', async () => {
    const before = await stat(image);
    const again = imageOf(await build());
    expect(again.unchanged).toBe(true);
    expect(again.stages.every(({ cached }) => cached)).toBe(true);
    expect((await stat(image)).mtimeMs).toBe(before.mtimeMs);
  });

  it('boots on virt, takes its seed and runs containers', async () => {
    const before = await digestOf(image);
    const log = join(folder, 'console.log');
    const { exitCode, stdout } = await cli(['boot', image, '--check', '--json', '--log', log]);
    expect(exitCode, stdout.slice(-4000)).toBe(0);
    expect(await readFile(log, 'utf8')).toContain('runcmd ran on gate-7');
    expect(await digestOf(image)).toBe(before);
  });

  it('shows what it holds and how its last check went, without its secrets', async () => {
    const looked = await cli(['inspect', image, '--json']);
    expect(looked.exitCode, looked.stderr).toBe(0);
    const report = resultOf(looked) as unknown as ImageReport;
    expect(report).toMatchObject({
      image,
      sha256: await digestOf(image),
      partitions: [{ mount: '/boot' }, { mount: '/', fileSystem: { kind: 'ext4', dirty: false } }],
      os: { id: 'debian' },
      seed: { hostname: 'gate-7' },
      bootCheck: { machine: 'virt', passed: true },
      warnings: [],
    });
    expect(report.kernel?.modules).toEqual([report.kernel?.version]);
    expect(report.packages.list.map(({ name }) => name)).toContain('docker.io');
    const listed = await tool('tune2fs', '-l', `/mnt/rpi4.img?offset=${report.partitions[1]?.offsetBytes ?? 0}`);
    expect(listed).toContain(report.partitions[1]?.fileSystem?.uuid);
    expect((await cli(['inspect', image, '--cat', '/boot/user-data'])).stdout).toContain('runcmd ran');
    expect((await cli(['inspect', image, '--ls', '/etc/fstab'])).stdout).toMatch(/^-rw-r--r-- +root +root .* fstab$/m);
    const page = join(folder, 'page.html');
    expect((await cli(['inspect', image, '--html', page])).exitCode).toBe(0);
    expect(await readFile(page, 'utf8')).toContain('Last boot check');
  });

  it('has only its boot partition made anew when the user-data changes, and is the same again when it changes back', async () => {
    const first = await digestOf(image);
    await writeFile(join(folder, 'user-data'), USER_DATA.replace('runcmd ran', 'something ran'));
    const changed = imageOf(await build());
    expect(changed.stages.filter(({ cached }) => !cached).map(({ stage }) => stage)).toEqual([
      'boot-partition',
      'disk',
      'block-map',
    ]);
    expect(await digestOf(image)).not.toBe(first);
    await writeFile(join(folder, 'user-data'), USER_DATA);
    await build();
    expect(await digestOf(image)).toBe(first);
  });

  it('tells what it is made of in a file beside it', async () => {
    const description = JSON.parse(await readFile(join(folder, 'rpi4.json'), 'utf8')) as Record<string, unknown>;
    expect(description).toMatchObject({ board: 'rpi4', sha256: await digestOf(image) });
    expect(JSON.stringify(description)).not.toContain('runcmd');
    expect((description.packages as { name: string }[]).map(({ name }) => name)).toContain('docker.io');
  });
});
