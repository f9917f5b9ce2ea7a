import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { layerImageStage } from '../../src/filesystems/layer-image.js';
import { readTarTree } from '../../src/formats/tar/tar-tree.js';
import { applyLayer } from '../../src/formats/tar/tree-difference.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { stageReporter } from '../../src/pipeline/reporter.js';
import type { StageContext } from '../../src/pipeline/stage.js';
import { openLayerFiles, writeLayerFiles } from '../../src/sources/debian/chain/layer-files.js';
import { pack } from '../../src/sources/debian/rootfs/finish.js';
import type { ToolsTree } from '../../src/tools/tools-tree.js';

const SCRIPT = join(import.meta.dirname, '../helpers/make-trees.py');
const EPOCH = 1_700_000_000;

const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: true });
let tools: ToolsTree;
let scratch: string;

beforeAll(async () => {
  tools = {
    key: '',
    root: inject('toolsTree'),
    versions: { 'squashfs-tools': 'of the tools tree' },
  } as unknown as ToolsTree;
  scratch = await mkdtemp(join(tmpdir(), 'reswarm-layers-'));
});

afterAll(async () => {
  await python(scratch, 'clear');
  await rm(scratch, { recursive: true, force: true });
});

type Drawn = {
  readonly nodes: Readonly<Record<string, unknown>>;
  readonly links: readonly (readonly [string, string])[];
  readonly mode: number;
};

/** Few names, so that the same path is in both trees more often than not, and then often as something else. */
const names = fc.constantFrom('a', 'b', 'c with ü', `d${'long'.repeat(30)}`);
const attributes = {
  mode: fc.constantFrom(0o755, 0o700, 0o644, 0o4755, 0o1777),
  owner: fc.constantFrom(0, 1, 1000),
  capability: fc.boolean(),
};
const leaf = fc.oneof(
  fc.record({
    kind: fc.constant('file'),
    content: fc.constantFrom('', 'one', 'two', 'x'.repeat(5000)),
    ...attributes,
  }),
  fc.record({ kind: fc.constant('link'), content: fc.constantFrom('one', '../elsewhere'), ...attributes }),
);
const drawnTree: fc.Arbitrary<Drawn> = fc
  .record({
    paths: fc.array(fc.tuple(fc.array(names, { minLength: 1, maxLength: 4 }), fc.boolean(), leaf), { maxLength: 12 }),
    folders: fc.record(attributes),
    mode: fc.constantFrom(0o755, 0o700),
    pairs: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 3 }),
  })
  .map(({ paths, folders, mode, pairs }) => {
    const nodes: Record<string, { kind: string }> = {};
    for (const [parts, isFolder, node] of paths) {
      for (let depth = 1; depth <= parts.length; depth += 1) {
        const path = parts.slice(0, depth).join('/');
        const above = parts.slice(0, depth - 1).join('/');
        if (above !== '' && nodes[above]?.kind !== 'folder') break;
        nodes[path] ??= depth < parts.length || isFolder ? { kind: 'folder', ...folders } : node;
      }
    }
    const files = Object.keys(nodes).filter((path) => nodes[path]?.kind === 'file');
    const links = new Map<string, string>();
    for (const [first, second] of pairs) {
      const [from, to] = [files[first % files.length], files[second % files.length]];
      const isFree = from !== undefined && to !== undefined && from !== to && !links.has(from) && !links.has(to);
      if (isFree && ![...links.values()].includes(to)) links.set(to, from);
    }
    return { nodes, links: [...links].map(([to, from]) => [from, to] as const), mode };
  });

describe('the difference of two trees', () => {
  it('gives the tree above when it is laid over the tree below, through a real squashfs', async () => {
    await fc.assert(
      fc.asyncProperty(drawnTree, drawnTree, async (below, above) => {
        const folder = await mkdtemp(join(scratch, 'case-'));
        await writeFile(join(folder, 'tree.json'), JSON.stringify({ below, above }));
        await python(folder, 'make');
        const tar = { below: await packed(folder, 'below'), above: await packed(folder, 'above') };
        const layer = await layerOf(folder, tar);
        await inTools(folder, 'unsquashfs', ['-quiet', '-no-progress', '-dest', '/mnt/layer', `/mnt/${layer.image}`]);
        const { made, wanted } = JSON.parse(await python(folder, 'apply')) as { made: unknown; wanted: unknown };
        expect(made).toEqual(wanted);
        const [treeBelow, treeAbove] = await Promise.all([treeOf(tar.below), treeOf(tar.above)]);
        expect(applyLayer(treeBelow, layer.content)).toEqual(treeAbove);
      }),
      { numRuns: 40 },
    );
  });

  it('is empty for a tree and itself, whatever its times are', async () => {
    const folder = await mkdtemp(join(scratch, 'same-'));
    const tree = { nodes: { a: { kind: 'file', content: 'x', mode: 0o644, owner: 0 } }, links: [], mode: 0o755 };
    await writeFile(join(folder, 'tree.json'), JSON.stringify({ below: tree, above: tree }));
    await python(folder, 'make');
    await inTools(folder, 'touch', ['--date=@1000000000', '/mnt/above/a']);
    const tar = { below: await packed(folder, 'below'), above: await packed(folder, 'above') };
    const { content } = await layerOf(folder, tar);
    expect(content.counts).toEqual({ added: 0, changed: 0, removed: 0 });
    expect([...content.entries.keys()]).toEqual(['']);
  });

  it('gives the same image with one processor and with two', async () => {
    const folder = await mkdtemp(join(scratch, 'jobs-'));
    const content = 'text '.repeat(200_000);
    const file = { kind: 'file', content, mode: 0o644, owner: 0 };
    const empty = { nodes: {}, links: [], mode: 0o755 };
    await writeFile(
      join(folder, 'tree.json'),
      JSON.stringify({ below: empty, above: { ...empty, nodes: { a: file, b: { ...file, content: `${content}b` } } } }),
    );
    await python(folder, 'make');
    const tar = { below: await packed(folder, 'below'), above: await packed(folder, 'above') };
    const images = [];
    for (const jobs of [1, 2]) {
      const { image } = await layerOf(folder, tar, jobs);
      images.push(await readFile(join(folder, image)));
    }
    expect(images[0]?.equals(images[1] ?? Buffer.alloc(0))).toBe(true);
  });
});

async function treeOf(tar: string) {
  return new Map((await readTarTree(tar)).map(({ path, entry }) => [path, entry]));
}

async function packed(folder: string, name: string): Promise<string> {
  const out = join(folder, `${name}.packed`);
  await mkdir(out);
  const input = { tools, sourceDateEpoch: EPOCH };
  await pack({ root: join(folder, name), input, context: contextOf(folder, 1) }, out);
  return join(out, 'rootfs.tar');
}

async function layerOf(folder: string, tar: { readonly below: string; readonly above: string }, jobs = 2) {
  const out = await mkdtemp(join(folder, 'layer-'));
  await writeLayerFiles(tar.above, await treeOf(tar.below), { time: EPOCH }, out);
  const layer = await openLayerFiles('app', 'key', out);
  const content = await layer.content();
  const root = content.entries.get('') ?? { mode: 0, uid: 0, gid: 0 };
  const input = { tools, layer, root, compression: 'zstd' as const, sourceDateEpoch: EPOCH };
  await layerImageStage('app').run(input, out, contextOf(folder, jobs));
  return { image: join(out.slice(folder.length + 1), 'layer.sqfs'), content };
}

function contextOf(work: string, jobs: number): StageContext {
  const report = stageReporter({ emit: () => undefined }, 'layer');
  return { host, report, work, jobs, offline: true, shared: { downloads: '', ccache: '', kernelBuilds: '' } };
}

async function python(folder: string, action: 'make' | 'apply' | 'clear'): Promise<string> {
  if (action === 'clear') return inTools(folder, 'find', ['/mnt', '-mindepth', '1', '-delete']);
  return inTools(folder, 'python3', ['/run/make-trees.py', action]);
}

async function inTools(folder: string, file: string, args: readonly string[]): Promise<string> {
  const mounts = [
    { source: folder, target: '/mnt', writable: true },
    { source: SCRIPT, target: '/run/make-trees.py' },
  ];
  return (await host.runIn({ root: tools.root, mounts }, { file, args })).stdout;
}
