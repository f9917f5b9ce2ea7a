import { NetworkError } from '../errors.js';
import type { Host } from '../host/host.js';
import { Engine } from '../pipeline/engine.js';
import type { Reporter } from '../pipeline/reporter.js';
import { keyOf, Store } from '../pipeline/store.js';
import { cloudInitSchemaStage } from './cloud-init-schema.js';
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
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  const engine = new Engine(host, store, reporter, { jobs: host.facts.cpus, offline: false });
  const wanted = {
    name: 'cloud-init',
    suite: SUITE,
    ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
  };
  return engine.task('cloud-init-package', keyOf(wanted), async (report, work) => {
    report.step('fetching the package cloud-init');
    const deb = await fetchPackage(wanted, work, host);
    const entry = await engine.obtain(cloudInitSchemaStage, {
      deb,
      unpack: (context) => unpackWithHost(deb.path, context.work, host),
    });
    return entry.path;
  });
}
