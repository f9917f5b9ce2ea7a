import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readHostFacts } from '../../src/host/read-facts.js';
import { cli, errorCode, resultOf } from '../helpers/cli.js';
import { inTools } from '../helpers/in-tools.js';
import { serve, startServer } from '../helpers/fault-server.js';

const RUN = join(import.meta.dirname, '../../bin/run.js');
/** The part of the kernel's sources that configures it; whatever compiles is left out. */
const CONFIGURES = ['Kconfig*', 'Makefile', 'scripts/*', 'arch/arm64/tools/*'];
const FRAGMENTS =
  'linux-6.12, linux-6.12-arm64, base, raspberry-pi, storage, network, docker, systemd, usb, wifi, peripherals, qemu';

let shared: string;
let tarball: Buffer;
let folder: string;

beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'reswarm-kernel-source-'));
  const checked = await cli(['kernel', 'check', '--board', 'rpi4', '--json']);
  expect(checked.exitCode, checked.stdout.slice(-2000) + checked.stderr).toBe(0);
  const pool = join(readHostFacts(process.env).cacheDir, 'v1/downloads/debs');
  const deb = (await readdir(pool)).find((name) => name.startsWith('linux-source-6.12_'));
  const patterns = CONFIGURES.map((pattern) => `'*/${pattern}'`).join(' ');
  const script = `mkdir -p linux-rpi && dpkg-deb --fsys-tarfile "/srv/$0" |
    tar --extract --to-stdout ./usr/src/linux-source-6.12.tar.xz |
    tar --extract --xz --strip-components=1 --directory=linux-rpi --wildcards ${patterns} &&
    tar --create --gzip --file=linux-rpi.tar.gz linux-rpi`;
  await inTools(shared, 'sh', ['-ec', script, deb ?? ''], [{ source: pool, target: '/srv' }]);
  tarball = await readFile(join(shared, 'linux-rpi.tar.gz'));
});

afterAll(async () => {
  await rm(shared, { recursive: true });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-kernel-'));
  return () => rm(folder, { recursive: true });
});

/** A board whose kernel is a tarball on a server of ours. */
async function board(source: string, fragments = FRAGMENTS, more = '', bytes = tarball): Promise<string> {
  const file = join(folder, 'mine.yaml');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const kernel = `kernel:\n  source: { url: "${source}", sha256: ${sha256} }\n  fragments: [${fragments}]\n${more}`;
  await writeFile(file, `extends: rpi4\nid: mine\nname: Mine\n${kernel}`);
  return file;
}

const check = (file: string, ...more: string[]) => cli(['kernel', 'check', '--board', file, '--json', ...more]);

describe('a tarball of kernel sources', () => {
  it('is fetched, held against its digest and configured; the next time nobody is asked', async () => {
    const server = await startServer(serve(tarball));
    const file = await board(`${server.url}/linux-rpi.tar.gz`);
    const first = await check(file);
    expect(first.exitCode, first.stdout.slice(-3000)).toBe(0);
    expect(resultOf(first)).toMatchObject({ problems: [] });
    await server[Symbol.asyncDispose]();
    expect((await check(file, '--offline')).exitCode).toBe(0);
  });

  it('with another digest is refused', async () => {
    const other = Buffer.from(`not these sources, ${Date.now()}`);
    await using server = await startServer(serve(tarball));
    const result = await check(await board(`${server.url}/linux-rpi.tar.gz`, FRAGMENTS, '', other));
    expect(errorCode(result)).toBe('digest-mismatch');
  });

  it('that holds no kernel is refused', async () => {
    await writeFile(join(folder, 'README'), 'no kernel');
    await inTools(folder, 'tar', ['--create', '--file=other.tar', '--transform=s,^,other/,', 'README']);
    const bytes = await readFile(join(folder, 'other.tar'));
    await using server = await startServer(serve(bytes));
    expect(errorCode(await check(await board(`${server.url}/other.tar`, FRAGMENTS, '', bytes)))).toBe(
      'kernel-source-invalid',
    );
  });
});

describe('a folder of patches', () => {
  const patchOf = (context: string) => `--- a/init/Kconfig
+++ b/init/Kconfig
@@ -1,2 +1,5 @@
 # SPDX-License-Identifier: GPL-2.0-only
+config RESWARM_PATCHED
+\tbool "Asked for by a patch"
+
${context}
`;

  async function boardWith(context: string, url: string): Promise<string> {
    await mkdir(join(folder, 'patches'));
    await writeFile(join(folder, 'patches/0001-option.patch'), patchOf(context));
    await writeFile(join(folder, 'own.config'), '# Ours.\nCONFIG_RESWARM_PATCHED=y\n');
    return board(url, `${FRAGMENTS}, ./own.config`, '  patches: [./patches]\n');
  }

  it('changes the sources before they are configured', async () => {
    await using server = await startServer(serve(tarball));
    const [, second] = (await readFile(join(shared, 'linux-rpi/init/Kconfig'), 'utf8')).split('\n');
    const result = await check(await boardWith(` ${second ?? ''}`, server.url));
    expect(result.exitCode, result.stdout.slice(-3000)).toBe(0);
  });

  it('that does not apply is named with its hunk', async () => {
    await using server = await startServer(serve(tarball));
    const result = await check(await boardWith(' no line of any kernel', server.url));
    expect(errorCode(result)).toBe('kernel-patch-failed');
    expect(result.stdout).toMatch(/0001-option\.patch/);
    expect(result.stdout).toMatch(/init\/Kconfig.*hunk 1|hunk 1.*init\/Kconfig|Hunk #1/i);
  });
});

it('an option that did not survive is named, with what it depends on', async () => {
  await using server = await startServer(serve(tarball));
  await writeFile(join(folder, 'can.config'), '# The CAN HAT, and its bus forgotten.\nCONFIG_CAN_MCP251X=m\n');
  const result = await check(await board(server.url, `${FRAGMENTS}, ./can.config`));
  expect(result.exitCode).toBe(2);
  expect(errorCode(result)).toBe('kernel-option-lost');
  expect(result.stdout).toMatch(/can\.config/);
  expect(result.stdout).toContain('CAN_DEV=n');
});

describe('kernel config', () => {
  it('writes answers of a file as a fragment, which the board then keeps', async () => {
    await using server = await startServer(serve(tarball));
    const file = await board(server.url);
    await writeFile(
      join(folder, 'answers'),
      'CONFIG_CAN=m\nCONFIG_CAN_RAW=m\nCONFIG_KPROBES=y\n# CONFIG_WIREGUARD is not set\n',
    );
    const fragment = join(folder, 'can.config');
    const edit = ['kernel', 'config', '--board', file, '--json'];
    const edited = await cli([...edit, '--fragment', fragment, '--config-script', join(folder, 'answers')]);
    expect(edited.exitCode, edited.stdout.slice(-3000)).toBe(0);
    expect(await readFile(fragment, 'utf8')).toMatch(/^CONFIG_CAN_RAW=m$/m);
    // Of arch/Kconfig, which all architectures share.
    expect(await readFile(fragment, 'utf8')).toMatch(/^CONFIG_KPROBES=y$/m);
    // It contradicts network.config, which asks for it.
    expect((resultOf(edited) as { contradicts?: string[] }).contradicts?.join()).toMatch(
      /network\.config:\d+:.*WIREGUARD/,
    );
    await writeFile(fragment, (await readFile(fragment, 'utf8')).replace(/.*WIREGUARD.*\n/, ''));
    const checked = await check(await board(server.url, `${FRAGMENTS}, ./can.config`));
    expect(checked.exitCode, checked.stdout.slice(-3000)).toBe(0);
  });

  it('refuses answers that the kernel does not take, and a fragment that has no place', async () => {
    await using server = await startServer(serve(tarball));
    const edit = ['kernel', 'config', '--board', await board(server.url), '--json'];
    await writeFile(join(folder, 'answers'), 'CONFIG_CAN=m\nCONFIG_NO_SUCH=y\n');
    const script = ['--config-script', join(folder, 'answers')];
    const lost = await cli([...edit, '--fragment', join(folder, 'can.config'), ...script]);
    expect(errorCode(lost)).toBe('kernel-option-lost');
    expect(lost.stdout).toContain('This kernel has no option NO_SUCH');
    expect(await readdir(folder)).not.toContain('can.config');
    const nowhere = await cli([...edit, '--fragment', join(folder, 'nowhere/can.config'), ...script]);
    expect(errorCode(nowhere)).toBe('output-folder-missing');
  });

  it("draws the kernel's menu on a terminal", async () => {
    await using server = await startServer(serve(tarball));
    const fragment = join(folder, 'menu.config');
    const command = `stty cols 100 rows 40; exec ${process.execPath} ${RUN} kernel config --board ${await board(server.url)} --fragment ${fragment}`;
    const output = await inTerminal(command, [
      // First letters have a colour of their own. Into "General setup", whose first line is COMPILE_TEST: yes …
      { when: /eneral setup/, keys: '\r' },
      { when: /ompile also drivers/, keys: 'y' },
      // … out of it, out of all, and save.
      { when: /\*/, keys: '\x1b\x1b' },
      { when: /eneral setup/, keys: '\x1b\x1b' },
      { when: /save your new configuration/, keys: '\r' },
    ]);
    expect(await readFile(fragment, 'utf8').catch(() => output.slice(-4000))).toMatch(/^CONFIG_COMPILE_TEST=y$/m);
  });
});

/** Nothing more is drawn when nothing came for this long. */
const QUIET_MS = 700;

/** A program on a pseudo-terminal, typed to when its screen is at rest and shows that it is time; gives all that it drew. */
async function inTerminal(command: string, steps: { when: RegExp; keys: string }[]): Promise<string> {
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { ...process.env, TERM: 'linux' },
  });
  const left = [...steps];
  let screen = '';
  let all = '';
  let rest: NodeJS.Timeout | undefined;
  const look = () => {
    const [next] = left;
    if (next === undefined || !next.when.test(screen)) return;
    left.shift();
    screen = '';
    child.stdin.write(next.keys);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    all += chunk.toString();
    clearTimeout(rest);
    rest = setTimeout(look, QUIET_MS);
  });
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(rest);
  return all;
}
