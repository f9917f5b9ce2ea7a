import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReswarmError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { Reporter } from '../../pipeline/reporter.js';
import { CLOUD_INIT_SCHEMA_FILES } from '../../tools/cloud-init-schema.js';
import { findSchemaFolder, obtainSchemaFolder, type SchemaOptions } from '../../tools/schema-folder.js';
import type { JsonSchema, SchemaValidator } from './schema-issue.js';

/** What the cloud-init of the image says about its own files. Making one takes a while; use it for many seeds. */
export type CloudInitSchemas = {
  /** `#cloud-config`. */
  readonly cloudConfig: SchemaValidator;
  /** network-config, version 1. For version 2 cloud-init's own schema refuses `wifis`: see network-v2-schema.ts. */
  readonly networkV1: SchemaValidator;
};

/** The schemas that the newest image of this machine was checked by; undefined where the store has none. */
export async function findCloudInitSchemas(host: Host): Promise<CloudInitSchemas | undefined> {
  const folder = await findSchemaFolder(host);
  return folder === undefined ? undefined : loadCloudInitSchemas(folder);
}

/** The same, or fetched now. Throws what obtainSchemaFolder and loadCloudInitSchemas throw. */
export async function obtainCloudInitSchemas(
  options: SchemaOptions,
  host: Host,
  reporter: Reporter,
): Promise<CloudInitSchemas> {
  return loadCloudInitSchemas(await obtainSchemaFolder(options, host, reporter));
}

/**
 * Reads cloud-init's schemas from a folder that holds `CLOUD_INIT_SCHEMA_FILES`.
 * @throws ReswarmError `cloud-init-schema` when a file is missing or is not a JSON object
 */
export async function loadCloudInitSchemas(folder: string): Promise<CloudInitSchemas> {
  const [cloudConfig, networkV1] = await Promise.all(CLOUD_INIT_SCHEMA_FILES.map((name) => read(join(folder, name))));
  if (cloudConfig === undefined || networkV1 === undefined) throw new TypeError('two schemas are read');
  // ajv takes a while to load, and most commands need no schema.
  const { schemaValidator } = await import('./schema-validator.js');
  return { cloudConfig: schemaValidator(cloudConfig), networkV1: schemaValidator(networkV1) };
}

async function read(path: string): Promise<JsonSchema> {
  try {
    const schema: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) return schema as JsonSchema;
    throw new TypeError('not a JSON object');
  } catch (cause) {
    throw new ReswarmError('cloud-init-schema', `Cannot read the schema of cloud-init from ${path}`, {
      hints: ['This version of cloud-init keeps its schemas elsewhere or in another form.'],
      cause,
    });
  }
}
