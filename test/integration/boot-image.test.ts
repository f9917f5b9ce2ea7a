import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MiB } from '../../src/model/bytes.js';
import type { BootProof } from '../../src/model/boot-proof.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { ReportEvent } from '../../src/pipeline/reporter.js';
import { withLoadedMachine } from '../../src/check/boot-image.js';
import { findBootRecord } from '../../src/images/boot-records.js';
import { checkBoot } from '../../src/check/check-boot.js';
import { sshIntoImage } from '../../src/check/ssh-into-image.js';

const projectDir = join(import.meta.dirname, '../..');
const START_SECTOR = 2048;
const FAT_BYTES = 34 * MiB;

/** An arm64 kernel for the impatient: it writes one line to virt's serial port and waits, or powers off. */
const GUEST = `
  .section .text
  code:
    b start
    .long 0
    .quad 0x80000          // text offset
    .quad _end - code      // image size
    .quad 0xa              // flags: 4K pages, anywhere
    .quad 0, 0, 0
    .ascii "ARM\\x64"
    .long 0
  start:
    adr x1, text
    mov x2, #0x09000000    // PL011 of QEMU's virt
  next:
    ldrb w3, [x1], #1
    cbz w3, done
    strb w3, [x2]
    b next
  done:
    ENDING
  text: .asciz "TEXT"
  .align 12
  _end:
`;
const WAIT = 'wfi\n    b done';
const POWER_OFF = 'ldr x0, =0x84000008\n    hvc #0\n    b done\n  .ltorg';

let folder: string;
let abort: AbortController;
let host: RealHost;
const nobody = { emit: () => undefined };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-boot-test-'));
  host = newHost();
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function newHost(): RealHost {
  abort = new AbortController();
  return new RealHost({
    facts: { ...readHostFacts(process.env), cacheDir: join(folder, 'cache') },
    signal: abort.signal,
    environment: process.env,
    offline: true,
  });
}

/** Runs a program of the tools tree in a folder of ours. */
async function inTools(dir: string, file: string, args: readonly string[], stdin?: string): Promise<void> {
  const sandbox = { root: inject('toolsTree'), mounts: [{ source: dir, target: '/run/dir', writable: true }] };
  await host.runIn(sandbox, { file, args, cwd: '/run/dir', ...(stdin === undefined ? {} : { stdin }) });
}

type ImageContent = { readonly text?: string; readonly ending?: string; readonly without?: string };

/** A small image with a FAT partition and the guest above as its kernel. */
async function makeImage(name: string, content: ImageContent = {}): Promise<string> {
  const dir = join(folder, name);
  await mkdir(dir);
  const source = GUEST.replace('TEXT', content.text ?? '').replace('ENDING', content.ending ?? WAIT);
  await writeFile(join(dir, 'guest.s'), source);
  await inTools(dir, 'aarch64-linux-gnu-as', ['-o', 'guest.o', 'guest.s']);
  await inTools(dir, 'aarch64-linux-gnu-objcopy', ['-O', 'binary', 'guest.o', 'kernel8.img']);
  await writeFile(join(dir, 'cmdline.txt'), 'console=tty1 console=ttyS1,115200 root=PARTUUID=1-02 rootwait\n');
  await writeFile(join(dir, 'config.txt'), '[all]\narm_64bit=1\n');
  await writeFile(join(dir, 'user-data'), '#cloud-config\nhostname: garden\n');
  await writeFile(join(dir, 'meta-data'), 'instance-id: i-1\n');
  const image = join(dir, 'disk.img');
  await writeFile(image, '');
  await truncate(image, START_SECTOR * 512 + FAT_BYTES);
  const table = `label: dos\nlabel-id: 0x1234abcd\nstart=${START_SECTOR}, size=${FAT_BYTES / 512}, type=c\n`;
  await inTools(dir, 'sfdisk', ['-q', 'disk.img'], table);
  const drive = ['-i', `disk.img@@${START_SECTOR * 512}`];
  await inTools(dir, 'mformat', [...drive, '-F', '-T', (FAT_BYTES / 512).toString(), '-h', '64', '-s', '32', '::']);
  const files = ['kernel8.img', 'cmdline.txt', 'config.txt', 'user-data', 'meta-data'];
  await inTools(dir, 'mcopy', [...drive, ...files.filter((file) => file !== content.without), '::']);
  return image;
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

async function check(image: string, timeoutSeconds = 60, events: ReportEvent[] = []): Promise<BootProof> {
  const report = { emit: (event: ReportEvent): void => void events.push(event) };
  return checkBoot(
    { image, machine: 'virt', projectDir, tools: inject('toolsTree'), timeoutSeconds, cpus: 1 },
    host,
    report,
  );
}

/** Nothing of a machine may outlive the call: no process, no scratch folder. */
async function expectNothingLeft(): Promise<void> {
  // How checks went is kept, and the empty scratch folder of packed images.
  const kept = ['boot-checks', 'v1'];
  expect((await readdir(join(folder, 'cache'))).filter((name) => !kept.includes(name))).toEqual([]);
  expect(await readdir(join(folder, 'cache', 'v1', 'tmp')).catch(() => [])).toEqual([]);
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(names.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  expect(lines.filter((line) => line.includes('qemu-system') && line.includes(folder))).toEqual([]);
}

describe('a boot check', () => {
  it('reads kernel, command line and seed out of the image', async () => {
    const image = await makeImage('read');
    const options = { image, machine: 'virt', projectDir, tools: inject('toolsTree') } as const;
    await withLoadedMachine(options, host, nobody, async ({ files }) => {
      expect(files).toMatchObject({
        kernel: 'kernel8.img',
        cmdlineTxt: 'console=tty1 console=ttyS1,115200 root=PARTUUID=1-02 rootwait\n',
        userData: '#cloud-config\nhostname: garden\n',
      });
      await Promise.resolve();
    });
    await expectNothingLeft();
  });

  it('sees what the kernel says, gives up after the time-out, and leaves the image as it was', async () => {
    const image = await makeImage('waits', { text: '[    0.0] Linux version 6.12.1-test (x)\\r\\n' });
    const before = await sha256(image);
    const events: ReportEvent[] = [];
    const proof = await check(image, 6, events);
    expect(proof).toMatchObject({ passed: false, stopped: { code: 'timeout' } });
    expect(proof.milestones.filter(({ ok }) => ok)).toMatchObject([{ name: 'kernel', detail: '6.12.1-test' }]);
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage-finished', stage: 'kernel' }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage-failed', stage: 'docker' }));
    expect(await sha256(image)).toBe(before);
    await expectNothingLeft();
  });

  it('ends at a panic without waiting for the time-out', async () => {
    const image = await makeImage('panics', { text: '[    1.0] Kernel panic - not syncing: no root\\r\\n' });
    const started = performance.now();
    const proof = await check(image, 60);
    expect(proof.stopped).toEqual({ code: 'kernel-panic', detail: 'Kernel panic - not syncing: no root' });
    expect(performance.now() - started).toBeLessThan(40_000);
    expect(proof.consoleTail.at(-1)).toContain('Kernel panic');
    await expectNothingLeft();
  });

  it('says that the machine ended when it powers off too early', async () => {
    const image = await makeImage('ends', { text: 'hello\\r\\n', ending: POWER_OFF });
    expect(await check(image)).toMatchObject({ passed: false, stopped: { code: 'machine-ended' } });
  });

  it('keeps the console in the log', async () => {
    const image = await makeImage('logs', { text: 'hello from the guest\\r\\n', ending: POWER_OFF });
    const logFile = join(folder, 'console.log');
    await checkBoot({ image, machine: 'virt', projectDir, tools: inject('toolsTree'), logFile, cpus: 1 }, host, nobody);
    expect(await readFile(logFile, 'utf8')).toContain('hello from the guest');
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const image = await makeImage('interrupted', { text: '[    0.0] Linux version 6 (x)\\r\\n' });
    const events: ReportEvent[] = [];
    host = newHost();
    const interrupted = checkBoot({ image, machine: 'virt', projectDir, tools: inject('toolsTree') }, host, {
      emit: (event) => {
        events.push(event);
        if (event.type === 'stage-finished') abort.abort(new Error('Ctrl-C'));
      },
    });
    await expect(interrupted).rejects.toThrow();
    host = newHost();
    await expectNothingLeft();
  });
});

describe('a boot', () => {
  const hello = { text: 'hello from the guest\\r\\n', ending: POWER_OFF };

  it('takes a packed image', async () => {
    const image = await makeImage('packed', hello);
    await writeFile(`${image}.gz`, gzipSync(await readFile(image)));
    expect((await check(`${image}.gz`)).consoleTail).toContain('hello from the guest');
    await expectNothingLeft();
  });

  it('keeps its record for inspect, without what the console said', async () => {
    const image = await makeImage('recorded', hello);
    await check(image);
    const record = await findBootRecord(await sha256(image), host);
    expect(record).toMatchObject({ machine: 'virt', passed: false, stopped: 'machine-ended' });
    expect(JSON.stringify(record)).not.toContain('hello');
  });

  it('goes on from the card that it kept, and changes neither the image nor its description', async () => {
    const image = await makeImage('kept', hello);
    const before = await sha256(image);
    const snapshot = join(folder, 'cards', 'kept.qcow2');
    const options = { image, machine: 'virt', projectDir, tools: inject('toolsTree'), snapshot } as const;
    const written = Buffer.alloc(512, 'once');
    await withLoadedMachine(options, host, nobody, (loaded) => loaded.writeCard(written, 4096));
    expect((await stat(snapshot)).mode & 0o777).toBe(0o600);
    expect(await sha256(image)).toBe(before);
    await withLoadedMachine(options, host, nobody, async ({ sandbox }) => {
      const read = {
        file: 'qemu-io',
        args: ['-f', 'qcow2', '-c', `read -P ${'o'.charCodeAt(0)} 4096 1`, '/run/boot/kept/kept.qcow2'],
      };
      expect((await host.runIn(sandbox, read)).stdout).toContain('read 1/1 bytes');
    });
    expect((await checkBoot({ ...options, timeoutSeconds: 60 }, host, nobody)).consoleTail).toContain(
      'hello from the guest',
    );
    await expectNothingLeft();
  });

  it('refuses a kept card of another image, and a file that is none', async () => {
    const snapshot = join(folder, 'one.qcow2');
    const [one, other] = [await makeImage('one', hello), await makeImage('other', { text: 'another' })];
    const start = (image: string, file: string) =>
      withLoadedMachine({ image, machine: 'virt', tools: inject('toolsTree'), snapshot: file }, host, nobody, () =>
        Promise.resolve('started'),
      );
    expect(await start(one, snapshot)).toBe('started');
    await expect(start(other, snapshot)).rejects.toMatchObject({ code: 'snapshot-of-other-image' });
    const text = join(folder, 'text.qcow2');
    await writeFile(text, 'mine');
    await expect(start(one, text)).rejects.toMatchObject({ code: 'not-a-snapshot' });
    expect(await readFile(text, 'utf8')).toBe('mine');
    await expect(start(one, join(text, 'below'))).rejects.toMatchObject({ code: 'snapshot-not-writable' });
    await expectNothingLeft();
  });

  it('refuses a port that is taken', async () => {
    const image = await makeImage('port', hello);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const hostPort = (server.address() as AddressInfo).port;
    const options = {
      image,
      machine: 'virt',
      projectDir,
      tools: inject('toolsTree'),
      forwards: [{ hostPort, guestPort: 80 }],
    } as const;
    await expect(checkBoot(options, host, nobody)).rejects.toMatchObject({ code: 'port-in-use', exitCode: 2 });
    server.close();
  });

  it('changes a copy of the device tree for raspi4b', async () => {
    const image = await makeImage('tree');
    const dir = join(folder, 'tree');
    const source = '/dts-v1/;/{soc{serial@7e201000{a;bluetooth{b;};};mmc@7e300000{mmc-pwrseq=<1>;c;};};};';
    await writeFile(join(dir, 'tree.dts'), source);
    await inTools(dir, 'dtc', ['-q', '-o', 'bcm2711-rpi-4-b.dtb', 'tree.dts']);
    await inTools(dir, 'mcopy', ['-i', `disk.img@@${START_SECTOR * 512}`, 'bcm2711-rpi-4-b.dtb', '::']);
    const before = await sha256(image);
    const options = { image, machine: 'raspi4b', projectDir, tools: inject('toolsTree') } as const;
    await withLoadedMachine(options, host, nobody, async ({ sandbox }) => {
      const { stdout } = await host.runIn(sandbox, {
        file: 'dtc',
        args: ['-q', '-O', 'dts', 'boot/bcm2711-rpi-4-b.dtb'],
      });
      expect(stdout).not.toMatch(/bluetooth|mmc-pwrseq/);
      expect(stdout.replace(/\s+/g, ' ')).toContain('serial@7e201000 { a; }; mmc@7e300000 { c; };');
    });
    expect(await sha256(image)).toBe(before);
  });
});

describe('ssh into an image', () => {
  const options = (image: string) => {
    return {
      image,
      machine: 'virt',
      tools: inject('toolsTree'),
      keyFolder: folder,
      environment: {},
      timeoutSeconds: 20,
    } as const;
  };

  it('needs somebody whom the seed lets in', async () => {
    const image = await makeImage('no-key');
    await expect(sshIntoImage(options(image), host, nobody)).rejects.toMatchObject({ code: 'seed-no-ssh-key' });
    await expectNothingLeft();
  });

  it('says that the machine ended, with its console, and leaves nothing behind', async () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';
    const image = await makeImage('ends-early', { text: 'not today\\r\\n', ending: POWER_OFF });
    const dir = join(folder, 'ends-early');
    await writeFile(join(dir, 'user-data'), `#cloud-config\nssh_authorized_keys: ["${key}"]\n`);
    await inTools(dir, 'mcopy', ['-o', '-i', `disk.img@@${START_SECTOR * 512}`, 'user-data', '::']);
    await expect(sshIntoImage(options(image), host, nobody)).rejects.toMatchObject({ code: 'ssh-identity-missing' });
    const known = { ...options(image), identity: join(dir, 'key') };
    await expect(sshIntoImage(known, host, nobody)).rejects.toMatchObject({
      code: 'ssh-no-answer',
      details: expect.arrayContaining(['not today']) as string[],
    });
    await expectNothingLeft();
  });
});

describe('an image that cannot be booted', () => {
  it.each([
    ['kernel8.img', 'no-kernel'],
    ['cmdline.txt', 'no-command-line'],
  ])('without %s is refused with %s', async (without, code) => {
    await expect(check(await makeImage(code, { without }))).rejects.toMatchObject({ code });
    await expectNothingLeft();
  });

  it('without a device tree for raspi3b is refused, and virt is proposed', async () => {
    const image = await makeImage('no-tree');
    const options = { image, machine: 'raspi3b', projectDir, tools: inject('toolsTree') } as const;
    await expect(checkBoot(options, host, nobody)).rejects.toMatchObject({ code: 'no-device-tree' });
  });

  it('cannot have more memory on raspi3b', async () => {
    const image = await makeImage('more-memory');
    const options = {
      image,
      machine: 'raspi3b',
      projectDir,
      tools: inject('toolsTree'),
      memoryBytes: 2048 * MiB,
    } as const;
    await expect(checkBoot(options, host, nobody)).rejects.toMatchObject({ code: 'machine-fixed' });
  });

  it('with a FAT partition that holds no FAT is refused', async () => {
    const image = await makeImage('no-fat');
    const bytes = await readFile(image);
    bytes.fill(0, START_SECTOR * 512);
    await writeFile(image, bytes);
    await expect(check(image)).rejects.toMatchObject({ code: 'boot-partition-unreadable' });
  });

  it('whose command line leaves no room for the probe is refused', async () => {
    const image = await makeImage('long-line');
    const dir = join(folder, 'long-line');
    await writeFile(join(dir, 'long.txt'), `root=PARTUUID=1-02 ${'x'.repeat(1700)}\n`);
    await inTools(dir, 'mcopy', ['-o', '-i', `disk.img@@${START_SECTOR * 512}`, 'long.txt', '::cmdline.txt']);
    await expect(check(image)).rejects.toMatchObject({ code: 'command-line-too-long' });
  });

  it('is refused when the log cannot be written', async () => {
    const image = await makeImage('no-log');
    const logFile = join(folder, 'missing', 'console.log');
    const options = { image, machine: 'virt', projectDir, tools: inject('toolsTree'), logFile } as const;
    await expect(checkBoot(options, host, nobody)).rejects.toMatchObject({ code: 'log-not-writable' });
    await expect(access(logFile)).rejects.toThrow();
  });
});
