import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReswarmError } from '../errors.js';
import type { Stage, StageContext } from '../pipeline/stage.js';

/** Where a cloud-init package keeps its schemas. */
const FOLDER = 'usr/lib/python3/dist-packages/cloudinit/config/schemas';
export const CLOUD_INIT_SCHEMA_FILES = ['schema-cloud-config-v1.json', 'schema-network-config-v1.json'] as const;

export type CloudInitSchemaInput = {
  /** The very package that goes into the image: a seed is checked by what will read it. */
  readonly deb: { readonly name: string; readonly version: string; readonly sha256: string };
  /** Unpacks it and returns the folder: a build has the tools' programs for that, a check has the host's. */
  readonly unpack: (context: StageContext) => Promise<string>;
};

/**
 * cloud-init's own JSON schemas, for loadCloudInitSchemas to read from `out`. Throws ReswarmError
 * `cloud-init-schema` when the package does not hold them where it used to.
 */
export const cloudInitSchemaStage: Stage<CloudInitSchemaInput, string> = {
  name: 'cloud-init-schema',
  version: 1,
  group: 'Package lists and seed',
  open: ({ path }) => path,
  key: ({ deb }) => ({ deb: deb.sha256, files: [...CLOUD_INIT_SCHEMA_FILES] }),

  async run({ deb, unpack }, out, context) {
    context.report.step(`reading the schemas of cloud-init ${deb.version}`);
    const folder = join(await unpack(context), FOLDER);
    for (const name of CLOUD_INIT_SCHEMA_FILES) {
      await copyFile(join(folder, name), join(out, name)).catch((cause: unknown) => {
        throw new ReswarmError('cloud-init-schema', `${deb.name} ${deb.version} holds no ${name}`, { cause });
      });
    }
  },
};
