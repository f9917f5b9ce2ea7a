import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadCloudInitSchemas, type CloudInitSchemas } from '../seeds/cloud-init-schemas.js';
import type { Host } from '../host/host.js';
import { archiveAsOf } from '../pipeline/archive-date.js';
import { Engine } from '../pipeline/engine.js';
import type { Reporter } from '../pipeline/reporter.js';
import { Store } from '../pipeline/store.js';
import { cloudInitSchemaStage } from '../sources/debian/cloud-init-schema.js';
import { readAptSources } from '../sources/debian/package-lock.js';
import * as inputs from './build-inputs.js';
import { readBuildRequest } from './build-request.js';
import { obtainPackages } from '../sources/debian/packages-of-image.js';
import { obtainToolsTree } from '../tools/obtain-tools.js';

export type SchemaOptions = {
  readonly projectDir: string;
  readonly workingFolder: string;
  /** Whose image's cloud-init: boards of one suite have the same. */
  readonly board: string;
  readonly offline: boolean;
  readonly mirror?: string;
};

/** The schemas that the newest image of this machine was checked by; undefined where none was built. */
export async function findCloudInitSchemas(cacheDir: string): Promise<CloudInitSchemas | undefined> {
  const folder = join(cacheDir, 'v1', cloudInitSchemaStage.name);
  const entries = await Promise.all(
    (await readdir(folder).catch(() => [])).map(async (name) => {
      const path = join(folder, name, 'out');
      const time = await stat(join(folder, name, 'stage.json')).then(
        (status) => status.mtimeMs,
        () => 0,
      );
      return { path, time };
    }),
  );
  const newest = entries.filter(({ time }) => time > 0).sort((a, b) => b.time - a.time)[0];
  return newest === undefined ? undefined : loadCloudInitSchemas(newest.path);
}

/** The same, or made now from the cloud-init package that an image would get: tools and package lists come first. */
export async function obtainCloudInitSchemas(
  options: SchemaOptions,
  host: Host,
  reporter: Reporter,
): Promise<CloudInitSchemas> {
  const present = await findCloudInitSchemas(host.facts.cacheDir);
  if (present !== undefined) return present;
  const store = new Store(host.facts.cacheDir, host);
  await store.prepare();
  const engine = new Engine(host, store, reporter, { jobs: host.facts.cpus, offline: options.offline });
  const request = await readBuildRequest({
    ...options,
    seed: {},
    packages: [],
    overlays: [],
    accelerate: true,
    jobs: host.facts.cpus,
    refresh: false,
  });
  const asOf = await archiveAsOf(store, false);
  const tools = await obtainToolsTree(engine, {
    archiveAsOf: asOf,
    ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
  });
  const packages = await obtainPackages(
    engine,
    inputs.packageLock(request, tools, {
      hostArchitecture: host.facts.architecture,
      sources: await readAptSources(tools),
      archiveAsOf: asOf,
    }),
  );
  const input = inputs.cloudInitSchema(tools, packages);
  const entry = await engine.obtain(cloudInitSchemaStage, input, packages.fetcher([input.deb]));
  return loadCloudInitSchemas(entry.path);
}
