import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloudInitSchemas } from '../../seeds/cloud-init-schemas.js';
import { CLOUD_INIT_SCHEMA_FILES, CLOUD_INIT_SCHEMA_FOLDER, loadCloudInitSchemas } from '../../seeds/cloud-init-schemas.js';
import type { SourceDeb } from './packages.js';
import { ReswarmError } from '../../errors.js';
import type { Stage } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { unpackDeb } from './unpack-deb.js';

export type CloudInitSchemaInput = {
  readonly tools: ToolsTree;
  /** The very package that goes into the image: a seed is checked by what will read it. */
  readonly deb: SourceDeb;
};

/**
 * cloud-init's own JSON schemas, for loadCloudInitSchemas to read from `out`. Throws ReswarmError
 * `cloud-init-schema` when the package does not hold them where it used to.
 */
export const cloudInitSchemaStage: Stage<CloudInitSchemaInput, CloudInitSchemas> = {
  name: 'cloud-init-schema',
  version: 1,
  group: 'Package lists and seed',
  open: ({ path }) => loadCloudInitSchemas(path),
  key: ({ deb }) => ({ deb: deb.sha256, files: [...CLOUD_INIT_SCHEMA_FILES] }),

  async run({ tools, deb }, out, context) {
    context.report.step(`reading the schemas of cloud-init ${deb.version}`);
    const folder = join(await unpackDeb(deb, tools, context), CLOUD_INIT_SCHEMA_FOLDER);
    for (const name of CLOUD_INIT_SCHEMA_FILES) {
      await copyFile(join(folder, name), join(out, name)).catch((cause: unknown) => {
        throw new ReswarmError('cloud-init-schema', `${deb.name} ${deb.version} holds no ${name}`, { cause });
      });
    }
  },
};
