import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandLineFor } from '../../src/model/qemu.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { withLoadedMachine } from '../../src/check/boot-image.js';
import { cli } from '../helpers/cli.js';

const host = new RealHost({
  facts: readHostFacts(process.env),
  signal: new AbortController().signal,
  environment: process.env,
  offline: true,
});
/** What the boot check has to switch off to boot at all. */
const OFF = 'systemd.watchdog_sec=0';

let folder: string;
let image: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-watchdog-'));
  image = join(folder, 'rpi3.img');
  const built = await cli(['build', '--board', 'rpi3', '--yes', '--json', '--output', image]);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

// QEMU's model does not count down: whoever arms it resets the machine at once.
it("systemd arms the Raspberry Pi's own watchdog before it starts anything", async () => {
  const lines: string[] = [];
  const ended = await withLoadedMachine({ image, machine: 'raspi3b' }, host, { emit: () => undefined }, (loaded) => {
    const words = commandLineFor(loaded.machine, loaded.files.cmdlineTxt, ['panic=-1'], { verbose: true }).split(' ');
    expect(words).toContain(OFF);
    const commandLine = words.filter((word) => word !== OFF).join(' ');
    const qemu = loaded.qemu({ commandLine, terminal: false });
    return host.startIn(loaded.sandbox, qemu, { onLine: (line) => lines.push(line) }).exited;
  });
  const console = lines.join('\n');
  expect(ended.exitCode, console.slice(-2000)).toBe(0);
  expect(console).toMatch(/systemd\[1\]: systemd \d+/);
  expect(console).not.toContain('Kernel panic');
  expect(console).not.toContain('Reached target');
});
