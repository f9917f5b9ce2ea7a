import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NetworkError } from '../errors.js';
import type { Host } from '../host/host.js';
import { stageNode, stepNode, valueNode } from '../pipeline/graph.js';
import type { Reporter } from '../pipeline/reporter.js';
import { withRunner } from '../pipeline/runner.js';
import type { Stage } from '../pipeline/stage.js';
import { Store } from '../pipeline/store.js';
import { cloudInitSchemaStage } from './cloud-init-schema.js';
import type { FetchedPackage } from './host-apt.js';
import { fetchPackage, unpackWithHost } from './host-apt.js';
import { checkMirror, SUITE } from './obtain-tools.js';

export type SchemaOptions = {
  readonly offline: boolean;
  /** Address of a Debian mirror. */
  readonly mirror?: string;
};

/** Where the store keeps the schemas that the newest image of this machine was checked by; undefined without any. */
export async function findSchemaFolder(host: Host): Promise<string | undefined> {
  const entry = await new Store(host.facts.cacheDir, host).newestEntry(cloudInitSchemaStage.name);
  return entry?.path;
}

/**
 * The same, or fetched now: the one package cloud-init of the images' suite, with this machine's own apt. That takes
 * seconds; no tools are built for it. A build that follows finds the result in the store.
 *
 * @throws NetworkError `offline`, UserError `mirror-invalid`, and what `fetchPackage` throws
 */
export async function obtainSchemaFolder(options: SchemaOptions, host: Host, reporter: Reporter): Promise<string> {
  checkMirror(options.mirror);
  const present = await findSchemaFolder(host);
  if (present !== undefined) return present;
  if (options.offline) {
    throw new NetworkError(
      'offline',
      'The schemas of cloud-init are not in the store, and --offline forbids to fetch them',
      {
        hints: ['Check once with the network, or build an image; later checks find them in the store.'],
      },
    );
  }
  const wanted = { name: 'cloud-init', suite: SUITE, mirror: options.mirror };
  const fetched = stepNode(packageStage, {}, () => wanted);
  const deb = valueNode({ fetched }, (made) => made.fetched.get());
  const schemas = stageNode(cloudInitSchemaStage, { deb }, (made) => ({
    deb: made.deb,
    unpack: (context) => unpackWithHost(made.deb.path, context.work, host),
  }));
  const store = new Store(host.facts.cacheDir, host);
  return withRunner(host, store, reporter, { jobs: host.facts.cpus, offline: false }, (runner) => runner.run(schemas));
}

type WantedPackage = { readonly name: string; readonly suite: string; readonly mirror?: string | undefined };

/** One package as this machine's own apt brings it. */
const packageStage: Stage<WantedPackage, FetchedPackage> = {
  name: 'cloud-init-package',
  version: 1,
  group: 'Package lists and seed',
  key: ({ name, suite, mirror }) => ({ name, suite, mirror: mirror ?? null }),
  async run(wanted, out, { host, report }) {
    report.step(`fetching the package ${wanted.name}`);
    await writeFile(join(out, 'package.json'), JSON.stringify(await fetchPackage(wanted, out, host)));
  },
  open: async ({ path }) => JSON.parse(await readFile(join(path, 'package.json'), 'utf8')) as FetchedPackage,
};
