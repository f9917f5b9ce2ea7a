import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Problem } from '../../src/errors.js';
import type { CliEvent, CliResult } from '../helpers/cli.js';
import { cli, errorCode, resultOf, withTmpfs } from '../helpers/cli.js';

/** Nothing answers at the discard port of this machine. */
const DEAD_MIRROR = 'http://127.0.0.1:9/debian';

let folder: string;
let output: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-refusals-'));
  output = join(folder, 'images');
  await mkdir(output);
  await writeFile(join(output, 'rpi4.img'), 'an older image');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

type BuildOptions = Parameters<typeof cli>[1];

/** A build from the test's folder, with an image of an earlier one at the output path. */
async function build(args: readonly string[], options: BuildOptions = {}): Promise<CliResult> {
  const image = args.includes('--output') ? [] : ['--output', join(output, 'rpi4.img')];
  return cli(['build', '--json', ...image, ...args], { cwd: folder, timeoutMs: 240_000, ...options });
}

async function buildBoard(text: string): Promise<CliResult> {
  await writeFile(join(folder, 'mine.yaml'), `extends: rpi4\nid: mine\nname: Mine\n${text}`);
  return build(['--board', './mine.yaml']);
}

async function buildWithUserData(text: string): Promise<CliResult> {
  await writeFile(join(folder, 'user-data'), text);
  return build(['--board', 'rpi4', '--user-data', 'user-data']);
}

function onlyProblem(result: CliResult): Problem {
  const { error } = resultOf(result) as { error?: { problems?: readonly Problem[] } };
  expect(error?.problems, result.stdout + result.stderr).toHaveLength(1);
  return error?.problems?.[0] ?? { code: 'none', message: '' };
}

/** Wrong input: exit code 2, the output folder as it was, and no image even begun. */
async function expectRefusal(result: CliResult, problem: Partial<Problem>): Promise<void> {
  expect(onlyProblem(result)).toMatchObject(problem);
  expect(errorCode(result)).toBe(problem.code);
  expect(result.exitCode).toBe(2);
  await expectNothingWritten(result);
}

async function expectNothingWritten(result: CliResult): Promise<void> {
  expect(await readdir(output)).toEqual(['rpi4.img']);
  expect(startedStages(result)).not.toEqual(expect.arrayContaining(['rootfs']));
}

function startedStages({ events }: CliResult): readonly (string | undefined)[] {
  return events.filter(({ type }: CliEvent) => type === 'stage-started').map(({ stage }) => stage);
}

describe("Debian's own kernel", () => {
  it.each([
    ['the Raspberry Pi 5', ['--board', 'rpi5']],
    ['a system that lives in memory', ['--board', 'rpi4', '--system', 'tiny']],
    ['the realtime flavour', ['--board', 'rpi4', '--kernel-flavour', 'rt']],
  ])('is refused for %s', async (_what, args) => {
    const result = await build([...args, '--kernel', 'debian']);
    expect(errorCode(result)).toBe('kernel-debian-unfit');
    expect(result.exitCode).toBe(2);
    await expectNothingWritten(result);
  });

  it('is not configured by the commands about kernels', async () => {
    const text = 'extends: rpi4\nid: mine\nname: Mine\nkernel:\n  source: debian\n';
    await writeFile(join(folder, 'mine.yaml'), text);
    const result = await cli(['kernel', 'check', '--board', './mine.yaml', '--json'], { cwd: folder });
    expect(errorCode(result)).toBe('kernel-not-compiled');
    expect(result.exitCode).toBe(2);
  });
});

describe('a board definition', () => {
  it('that is not there is refused with the name that was meant', async () => {
    const result = await build(['--board', 'rpi44']);
    await expectRefusal(result, { code: 'unknown-board' });
    expect(onlyProblem(result).hint).toContain('Did you mean "rpi4"?');
    expect(startedStages(result)).toEqual([]);
  });

  it.each([
    {
      title: 'that is no YAML',
      text: 'description: [a\nsoc: b\n',
      problem: { code: 'yaml-syntax', file: 'mine.yaml', line: 5, column: 1 },
    },
    {
      title: 'with an unknown key',
      text: 'partitons: {}\n',
      problem: { code: 'unknown-key', file: 'mine.yaml', line: 4, column: 1, hint: 'Did you mean "partitions"?' },
    },
    {
      title: 'whose partitions overlap',
      text: 'partitions:\n  boot:\n    size: 64M\n  root:\n    start: 32M\n',
      problem: { code: 'partition-overlap', file: 'mine.yaml', line: 8, column: 12 },
    },
    {
      title: 'whose FAT label is too long',
      text: 'partitions:\n  boot:\n    label: TWELVE-CHARS\n',
      problem: { code: 'fat-label-too-long', file: 'mine.yaml', line: 6, column: 12 },
    },
  ])('$title is refused where it is wrong', async ({ text, problem }) => {
    const result = await buildBoard(text);
    await expectRefusal(result, problem);
    expect(startedStages(result)).toEqual([]);
  });

  it('whose boot partition is too small for its file system is refused with both sizes', async () => {
    const result = await buildBoard('partitions:\n  boot:\n    size: 8M\n');
    await expectRefusal(result, { code: 'partition-too-small', file: 'mine.yaml', line: 6, column: 11 });
    expect(onlyProblem(result).message).toMatch(/8M.*33 MiB/);
  });
});

describe('user-data', () => {
  it.each([
    { title: 'without #cloud-config', text: 'hostname: x\n', code: 'seed-no-header', line: 1, column: 1 },
    { title: 'that is no YAML', text: '#cloud-config\nusers: [a\nfoo: b\n', code: 'yaml-syntax', line: 3, column: 1 },
    {
      title: "against cloud-init's schema",
      text: '#cloud-config\nruncmd: 5\n',
      code: 'wrong-type',
      line: 2,
      column: 9,
    },
  ])('$title is refused where it is wrong', async ({ text, code, line, column }) => {
    await expectRefusal(await buildWithUserData(text), { code, file: join(folder, 'user-data'), line, column });
  });

  it('that is not there is refused', async () => {
    const result = await build(['--board', 'rpi4', '--user-data', 'nowhere']);
    await expectRefusal(result, { code: 'file-missing', file: join(folder, 'nowhere') });
    expect(startedStages(result)).toEqual([]);
  });
});

describe('what is added to the root file system', () => {
  it('is refused when the overlay folder is not there', async () => {
    await expectRefusal(await build(['--board', 'rpi4', '--overlay', 'nowhere']), { code: 'overlay-not-found' });
  });

  it('is refused when the overlay is a file', async () => {
    await writeFile(join(folder, 'file'), '');
    await expectRefusal(await build(['--board', 'rpi4', '--overlay', 'file']), { code: 'overlay-not-found' });
  });

  it.each(['boot', 'run', 'var/lock'])(
    'is refused where an overlay has files in %s, which no device would see',
    async (place) => {
      await mkdir(join(folder, 'overlay', place), { recursive: true });
      await writeFile(join(folder, 'overlay', place, 'extra.txt'), '');
      const result = await build(['--board', 'rpi4', '--overlay', 'overlay']);
      await expectRefusal(result, { code: 'overlay-hidden' });
      expect(onlyProblem(result).message).toContain(`${place}/extra.txt`);
    },
  );

  it.each(['debian', 'tiny'])('is refused when a workload is named for the system %s', async (system) => {
    const result = await build(['--board', 'virt-arm64', '--system', system, '--workload', 'python']);
    await expectRefusal(result, { code: 'userland-unfit', hint: 'Choose one: --system minimal' });
  });

  it.each([
    ['rpi5', 'slots-kernel-too-new'],
    ['pc-amd64', 'slots-need-raspberry-pi'],
  ])('is refused with two slots for %s, whose devices could not take an update', async (board, code) => {
    await expectRefusal(await build(['--board', board, '--system', 'ab']), { code });
  });

  it('is refused when software is given twice', async () => {
    const unit =
      '{ name: a.service, text: "[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n" }';
    await writeFile(join(folder, 'a.yaml'), `software:\n  - name: a\n    units: [${unit}]\n`);
    const result = await build(['--board', 'rpi4', '--software', 'a.yaml', '--software', './a.yaml']);
    await expectRefusal(result, { code: 'software-twice' });
  });

  it('is refused from a mirror that is no address', async () => {
    await expectRefusal(await build(['--board', 'rpi4', '--mirror', 'foo']), { code: 'mirror-invalid' });
  });

  it('is refused when Debian has no such package, before anything is unpacked', async () => {
    const result = await build(['--board', 'rpi4', '--packages', 'tcpdumpp']);
    await expectRefusal(result, { code: 'unknown-package', hint: 'Did you mean "tcpdump"?' });
    expect(startedStages(result)).toEqual(['tools', 'package-lock']);
  });
});

describe('the output path', () => {
  it('is refused in a folder that is not there', async () => {
    const result = await build(['--board', 'rpi4', '--output', join(folder, 'none/rpi4.img')]);
    await expectRefusal(result, { code: 'output-folder-missing' });
  });

  it('is refused when it is a directory', async () => {
    await expectRefusal(await build(['--board', 'rpi4', '--output', output]), { code: 'output-is-a-directory' });
  });

  it('is refused on a read-only file system, for root too', async () => {
    const wrapper = withTmpfs(join(folder, 'card'), 'ro');
    await mkdir(join(folder, 'card'));
    const result = await build(['--board', 'rpi4', '--output', join(folder, 'card/rpi4.img')], { wrapper });
    await expectRefusal(result, { code: 'output-not-writable' });
  });
});

describe('a cold store', () => {
  it('cannot be filled from an archive that does not answer', async () => {
    const result = await build(['--board', 'rpi4', '--mirror', DEAD_MIRROR], { env: coldStore() });
    expect(errorCode(result), result.stderr).toBe('archive-unreachable');
    expect(result.exitCode).toBe(1);
    await expectNothingWritten(result);
    expect(await readdir(join(folder, 'cache/reswarm-os/v1/tmp'))).toEqual([]);
  });

  it('cannot be filled with --offline', async () => {
    const result = await build(['--board', 'rpi4', '--offline'], { env: coldStore() });
    expect(errorCode(result), result.stderr).toBe('offline');
    expect(result.exitCode).toBe(1);
    await expectNothingWritten(result);
  });

  it('on a disk that is too small is refused before the first byte', async () => {
    const cache = join(folder, 'cache');
    await mkdir(cache);
    const options = { env: coldStore(), wrapper: withTmpfs(cache, 'size=8m') };
    const result = await build(['--board', 'rpi4'], options);
    expect(errorCode(result), result.stderr).toBe('host-not-ready');
    expect(onlyProblem(result).code).toBe('host-free-space');
    expect(result.exitCode).toBe(2);
    expect(startedStages(result)).toEqual([]);
  });
});

describe('a store that has the tools, but not these packages', () => {
  it('says with --offline that they are missing', async () => {
    const result = await build(['--board', 'rpi4', '--packages', 'tcpdump,sl', '--offline']);
    expect(errorCode(result), result.stderr).toBe('offline');
    expect(result.exitCode).toBe(1);
    await expectNothingWritten(result);
  });

  it('says that the archive does not answer', async () => {
    const proxy = { http_proxy: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9', no_proxy: '' };
    const result = await build(['--board', 'rpi4', '--packages', 'tcpdump,sl'], { env: proxy });
    expect(errorCode(result), result.stderr).toBe('archive-unreachable');
    expect(result.exitCode).toBe(1);
    await expectNothingWritten(result);
  });
});

function coldStore(): Record<string, string> {
  return { XDG_CACHE_HOME: join(folder, 'cache') };
}
