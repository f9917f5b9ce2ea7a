import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BuildPlan } from '../../src/build/plan-build.js';
import type { CliEvent, CliResult } from '../helpers/cli.js';
import { cli, cliInterrupted, resultOf } from '../helpers/cli.js';
import type { PrivateStore } from '../helpers/private-store.js';
import { emptyStore, processesOf, removeStore, withoutStages } from '../helpers/private-store.js';

const run = promisify(execFile);

let store: PrivateStore | undefined;

beforeAll(async () => {
  // All stages but the interrupted one come from the user's store.
  const { folder, images, env } = await emptyStore();
  const { exitCode, stdout, stderr } = await build(images);
  await removeStore({ folder, images, env, root: '' });
  expect(exitCode, stdout.slice(-2000) + stderr).toBe(0);
});

afterEach(async () => {
  if (store !== undefined) await removeStore(store);
  store = undefined;
});

function buildArguments(images: string, more: readonly string[] = []): readonly string[] {
  return ['build', '--board', 'rpi4', '--yes', '--output', join(images, 'rpi4.img'), ...more];
}

async function build(images: string, env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  return cli([...buildArguments(images), '--json'], { env });
}

/** Everything that a build may leave behind; all of it empty when it cleaned up. */
async function leftovers({ folder, root, images }: PrivateStore) {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(folder));
  const { stdout } = await run('losetup', ['--json', '--list', '--output', 'NAME,BACK-FILE']);
  const lists = await Promise.all([readdir(join(root, 'tmp')), readdir(join(root, 'locks')), readdir(images)]);
  const [scratch, locks, files] = lists;
  return {
    processes: await processesOf(folder),
    mounts,
    loopDevices: stdout.split('\n').filter((line) => line.includes(folder)),
    scratch,
    locks,
    files: files.sort(),
  };
}

/** What a whole build leaves. */
const OUTPUTS = [
  'SHA256SUMS',
  'rpi4.img',
  'rpi4.img.bmap',
  'rpi4.json',
  'rpi4.rpi-imager-manifest',
  'rpi4.supportedBoards.json',
];
const NOTHING = { processes: [], mounts: [], loopDevices: [], scratch: [], locks: [], files: [] };

type Moment = {
  readonly stage: string;
  /** Stages whose results the store lacks; later ones keep the build busy if the signal comes late. */
  readonly without: readonly string[];
  readonly when: (event: CliEvent) => boolean;
  readonly delayMs?: number;
  readonly options?: readonly string[];
};

function started(stage: string): (event: CliEvent) => boolean {
  return (event) => event.type === 'stage-started' && event.stage === stage;
}

function step(stage: string, text: RegExp): (event: CliEvent) => boolean {
  return (event) => event.type === 'stage-step' && event.stage === stage && text.test(String(event.text));
}

function progress(stage: string): (event: CliEvent) => boolean {
  return (event) => event.type === 'stage-progress' && event.stage === stage;
}

const MOMENTS: readonly Moment[] = [
  { stage: 'tools', without: ['tools'], when: step('tools', /downloading|extracting|installing/), delayMs: 500 },
  { stage: 'package-lock', without: ['package-lock'], when: step('package-lock', /fetching/), delayMs: 500 },
  {
    stage: 'cloud-init-schema',
    without: ['cloud-init-schema', 'root-partition'],
    when: started('cloud-init-schema'),
  },
  { stage: 'boot-firmware', without: ['boot-firmware', 'root-partition'], when: step('boot-firmware', /unpacking/) },
  { stage: 'wireless-firmware', without: ['wireless-firmware', 'root-partition'], when: started('wireless-firmware') },
  { stage: 'kernel', without: ['kernel'], when: progress('kernel'), delayMs: 500 },
  { stage: 'rootfs (unpacking)', without: ['rootfs'], when: step('rootfs', /unpacking/), delayMs: 1_500 },
  { stage: 'root-partition', without: ['root-partition'], when: step('root-partition', /adding/), delayMs: 200 },
  { stage: 'boot-partition', without: [], when: started('boot-partition') },
  { stage: 'disk', without: [], when: progress('disk') },
  { stage: 'block-map', without: [], when: started('block-map') },
  { stage: 'compress', without: [], when: progress('compress'), options: ['--compress', 'gz'] },
];

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  it.each(MOMENTS)('during $stage leaves nothing behind', async ({ without, when, delayMs = 0, options }) => {
    store = await withoutStages(without);
    const { env, images } = store;
    const ended = await cliInterrupted(buildArguments(images, options), [signal], when, { env, delayMs });
    expect(ended.interrupted, ended.output).toBe(true);
    expect(ended.exitCode, ended.output).toBe(130);
    expect(await leftovers(store)).toEqual(NOTHING);

    // Whatever was finished is still known, what was not is to be made.
    const plan = resultOf(
      await cli([...buildArguments(images), '--dry-run', '--json'], { env }),
    ) as unknown as BuildPlan;
    const [first] = without;
    expect(plan.stages.filter(({ stage }) => stage === first).every(({ state }) => state === 'make')).toBe(true);
    expect(plan.stages.find(({ stage }) => stage === 'tools')?.state).toBe(first === 'tools' ? 'make' : 'in-store');
  });
});

describe('an interrupted build', () => {
  it('is finished by the next one', async () => {
    store = await withoutStages(['root-partition']);
    const { env, images } = store;
    const when = step('root-partition', /adding/);
    await cliInterrupted(buildArguments(images), ['SIGTERM'], when, { env });
    const next = await build(images, env);
    expect(next.exitCode, next.stdout.slice(-2000) + next.stderr).toBe(0);
    expect(await leftovers(store)).toEqual({ ...NOTHING, files: OUTPUTS });
  });

  it('cleans up although npx sends a Ctrl-C a second time', async () => {
    store = await withoutStages(['root-partition']);
    const { env, images } = store;
    const when = step('root-partition', /adding/);
    const ended = await cliInterrupted(buildArguments(images), ['SIGINT', 'SIGINT', 'SIGINT'], when, { env });
    expect(ended.exitCode, ended.output).toBe(130);
    expect(await leftovers(store)).toEqual(NOTHING);
  });
});

describe('SIGKILL', () => {
  it.each([
    { stage: 'tools', when: step('tools', /downloading|extracting|installing/), delayMs: 500 },
    { stage: 'root-partition', when: step('root-partition', /adding/), delayMs: 0 },
  ])('during $stage leaves no process', async ({ stage, when, delayMs }) => {
    store = await withoutStages([stage]);
    const ended = await cliInterrupted(buildArguments(store.images), ['SIGKILL'], when, { env: store.env, delayMs });
    expect(ended.exitCode).toBeNull();
    await expect.poll(async () => processesOf(store?.folder ?? ''), { timeout: 5_000 }).toEqual([]);
  });

  it('leaves what the next build clears away before it goes on', async () => {
    store = await withoutStages(['root-partition']);
    const { env, images } = store;
    await cliInterrupted(buildArguments(images), ['SIGKILL'], step('root-partition', /adding/), { env });
    await sleep(200);
    expect((await leftovers(store)).scratch).not.toEqual([]);
    const next = await build(images, env);
    expect(next.exitCode, next.stdout.slice(-2000) + next.stderr).toBe(0);
    expect(await leftovers(store)).toEqual({ ...NOTHING, files: OUTPUTS });
  });
});
