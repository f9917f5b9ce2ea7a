import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBuildRequest } from '../../../src/build/build-request.js';
import type { BuildOptions } from '../../../src/build/build-options.js';
import { imageGraph } from '../../../src/build/image-graph.js';
import { imageTarget } from '../../../src/build/image-target.js';
import { readHostFacts } from '../../../src/host/read-facts.js';
import { RealHost } from '../../../src/host/real-host.js';
import { withStagedFiles } from '../../../src/images/staged-files.js';
import { groupsOf, inOrder, needsOf } from '../../../src/pipeline/graph.js';
import { planGraph } from '../../../src/pipeline/plan.js';
import { Store } from '../../../src/pipeline/store.js';

const PROJECT = join(import.meta.dirname, '../../..');
const BOARDS = ['cm3', 'cm4', 'cm5', 'pc-amd64', 'rpi', 'rpi3', 'rpi4', 'rpi5', 'rpizero2w', 'virt-arm64'];
const WITHOUT_FIRMWARE = ['cm5', 'pc-amd64', 'rpi5', 'virt-arm64'];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-graph-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function hostOf(): RealHost {
  const facts = { ...readHostFacts(process.env), cacheDir: join(folder, 'cache') };
  const signal = new AbortController().signal;
  return new RealHost({ facts, signal, environment: process.env, offline: true });
}

async function graphOf(board: string, compression: 'none' | 'xz' = 'none', more: Partial<BuildOptions> = {}) {
  const request = await readBuildRequest({
    board,
    projectDir: PROJECT,
    workingFolder: folder,
    seed: {},
    packages: [],
    overlays: [],
    accelerate: true,
    jobs: 1,
    offline: true,
    refresh: false,
    ...more,
  });
  return withStagedFiles((staged) =>
    imageGraph(
      request,
      imageTarget(request, staged, compression),
      { hostArchitecture: 'amd64', archiveAsOf: 'now' },
      hostOf(),
    ),
  );
}

/** What a run of these nodes reports, in its order. */
function told(graph: Awaited<ReturnType<typeof graphOf>>): readonly string[] {
  return inOrder(graph.all).flatMap((node) => (node.kind === 'value' ? [] : [node.stage.name]));
}

describe.each(BOARDS)('the graph of %s', (board) => {
  it('is planned stage for stage as it is run', async () => {
    const graph = await graphOf(board);
    const host = hostOf();
    const { stages } = await planGraph(graph.all, new Store(host.facts.cacheDir, host), { jobs: 1 });
    expect(stages.map(({ stage }) => stage)).toEqual(told(graph));
    expect(stages.map(({ stage }) => stage)).toEqual([
      'tools',
      'package-lock',
      'cloud-init-schema',
      'netplan-generator',
      ...(WITHOUT_FIRMWARE.includes(board) ? [] : ['boot-firmware']),
      ...(board === 'pc-amd64' ? ['grub', 'boot-loader'] : []),
      'device-tree-overlays',
      'kernel',
      'wireless-firmware',
      'rootfs',
      'root-partition',
      'boot-partition',
      'disk',
      'block-map',
    ]);
  });

  it('has every stage in one of at most eight lines, and each node behind what it needs', async () => {
    const graph = await graphOf(board);
    const groups = groupsOf(graph.all);
    expect(groups.length).toBeLessThanOrEqual(8);
    expect(groups.flatMap(({ stages }) => stages).sort()).toEqual([...told(graph)].sort());
    const order = inOrder(graph.all);
    for (const [index, node] of order.entries()) {
      for (const need of needsOf(node)) expect(order.indexOf(need)).toBeLessThan(index);
    }
  });
});

it('compresses behind the image, where that is asked for', async () => {
  expect(told(await graphOf('rpi4', 'xz')).at(-1)).toBe('compress');
});

describe.each([
  ['tiny', 'pc-amd64', { output: 'x.iso' }],
  ['tiny', 'rpi4', {}],
  ['minimal', 'pc-amd64', { output: 'x.iso', workload: 'static-c' }],
  ['minimal', 'virt-arm64', { workload: 'static-c' }],
])('the graph of the system %s for %s', (system, board, options) => {
  it('is planned as it is run, in at most eight lines, without cloud-init and Debian’s root', async () => {
    const graph = await graphOf(board, 'none', { system, ...options });
    const host = hostOf();
    const { stages } = await planGraph(graph.all, new Store(host.facts.cacheDir, host), { jobs: 1 });
    const names = stages.map(({ stage }) => stage);
    expect(names).toEqual(told(graph));
    expect(names).toContain('initramfs');
    expect(names.at(-1)).toBe('output' in options ? 'image' : 'block-map');
    expect(names).not.toContain('rootfs');
    expect(names).not.toContain('cloud-init-schema');
    expect(groupsOf(graph.all).length).toBeLessThanOrEqual(8);
  });
});
