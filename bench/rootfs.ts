import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { dpkgFilterOptions } from '../src/sources/debian/dpkg-filters.js';
import { RealHost } from '../src/host/real-host.js';
import { readHostFacts } from '../src/host/read-facts.js';
import { archiveAsOf } from '../src/pipeline/archive-date.js';
import { stageReporter } from '../src/pipeline/reporter.js';
import { Store } from '../src/pipeline/store.js';
import { toolsNode } from '../src/build/debian-nodes.js';
import { rootfsInputNode } from '../src/build/debian/debian-sources.js';
import { packagesNode } from '../src/build/image-graph.js';
import { withRunner } from '../src/pipeline/runner.js';
import { readBuildRequest } from '../src/build/build-request.js';
import { fetchDebs } from '../src/sources/debian/debs.js';
import { rootfsStage } from '../src/sources/debian/rootfs/rootfs.js';
import type { Figure } from './figure.js';
import { seconds } from './figure.js';
import type { TimedLine } from './timing.js';
import { PROJECT, time } from './timing.js';

/**
 * The rootfs stage against plain mmdebstrap, one after the other: the same packages, the same files left out of them,
 * all .debs on this machine before either starts, a tar as the result of both. mmdebstrap's time is counted from the
 * end of "apt-get update", because our stage has the package lists resolved already.
 */
export async function measureRootfs(board: string, folder: string): Promise<readonly Figure[]> {
  const facts = readHostFacts(process.env);
  const { signal } = new AbortController();
  const host = new RealHost({ facts, signal, environment: process.env, offline: false });
  const silent = { emit: () => undefined };
  const store = new Store(facts.cacheDir, host);
  const options = { jobs: facts.cpus, offline: false };
  const request = await readBuildRequest({
    ...options,
    board,
    projectDir: PROJECT,
    workingFolder: folder,
    seed: {},
    packages: [],
    overlays: [],
    accelerate: true,
    refresh: false,
  });
  const { userland } = request;
  if (userland.from !== 'debian') throw new TypeError(`the root of ${board} is not made of Debian packages`);
  const surroundings = { hostArchitecture: facts.architecture, archiveAsOf: await archiveAsOf(store, false) };
  const tools = toolsNode(surroundings);
  const lock = await packagesNode(request, tools, surroundings);
  const rootfs = rootfsInputNode(userland, request.sourceDateEpoch, tools, lock, surroundings);
  const { packages, input } = await withRunner(host, store, silent, options, async (runner) => ({
    packages: await runner.run(lock),
    input: await runner.run(rootfs),
  }));
  const report = stageReporter(silent, 'rootfs');
  const { sources } = packages;
  const { install, twins } = packages.lock;
  const debs = await fetchDebs([...install, ...twins], sources, { host, report, shared: store.shared });

  const ours = await store.withScratch(async (scratch) => {
    const [out, work] = [join(scratch, 'out'), join(scratch, 'work')];
    await mkdir(out);
    await mkdir(work);
    const started = performance.now();
    await rootfsStage.run(input, out, { host, report, shared: store.shared, work, jobs: facts.cpus, offline: true });
    return (performance.now() - started) / 1000;
  });

  const pool = join(facts.cacheDir, 'bench-debs');
  await rm(pool, { recursive: true, force: true });
  await mkdir(pool);
  try {
    for (const { path } of debs.slice(0, install.length)) await link(path, join(pool, basename(path)));
    await writeFile(join(folder, 'sources.list'), sources);
    const filters = dpkgFilterOptions(await readFile(join(userland.root.layers[0]?.files ?? '', DPKG_FILTERS), 'utf8'));
    const plain = await time('mmdebstrap', [
      '--variant=essential',
      `--architectures=${packages.lock.architecture}`,
      `--include=${install.map(({ name }) => name).join(',')}`,
      '--aptopt=APT::Install-Recommends "false"',
      ...filters.map((option) => `--dpkgopt=${option.slice('--'.length)}`),
      '--dpkgopt=force-unsafe-io',
      '--skip=essential/unlink',
      `--setup-hook=mkdir -p "$1"/var/cache/apt/archives && cp "${pool}"/*.deb "$1"/var/cache/apt/archives/`,
      packages.lock.suite,
      join(folder, 'plain.tar'),
      join(folder, 'sources.list'),
    ]);
    const plainSeconds = plain.seconds - updatedAt(plain.lines);
    return [
      {
        what: `rootfs stage, ${install.length} packages`,
        value: seconds(ours),
        how: 'downloads on this machine',
      },
      {
        what: 'Plain mmdebstrap, the same packages',
        value: seconds(plainSeconds),
        how: `${seconds(plain.seconds)} with \`apt-get update\``,
      },
      { what: 'Ratio', value: (ours / plainSeconds).toFixed(2), target: '≤ 0.25 (aim 0.12)' },
    ];
  } finally {
    await rm(pool, { recursive: true, force: true });
    await rm(join(folder, 'plain.tar'), { force: true });
  }
}

const DPKG_FILTERS = 'etc/dpkg/dpkg.cfg.d/50-reswarm';

/** When mmdebstrap went on after copying packages in and fetching the lists. */
function updatedAt(lines: readonly TimedLine[]): number {
  const update = lines.findIndex(({ text }) => text.includes('running apt-get update'));
  const next = lines.slice(update + 1).find(({ text }) => /^I: (?!done|automatically)/.test(text.trim()));
  if (update < 0 || next === undefined) throw new Error('mmdebstrap did not say when it had fetched the lists');
  return next.atSeconds;
}
