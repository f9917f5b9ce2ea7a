import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReswarmError } from '../errors.js';
import type { JsonSchema, SchemaValidator } from './schema-issue.js';

/** What the cloud-init of the image says about its own files. Making one takes a while; use it for many seeds. */
export type CloudInitSchemas = {
  /** `#cloud-config`. */
  readonly cloudConfig: SchemaValidator;
  /** network-config, version 1. For version 2 cloud-init's own schema refuses `wifis`: see network-v2-schema.ts. */
  readonly networkV1: SchemaValidator;
};

/** Where a cloud-init package keeps them. */
export const CLOUD_INIT_SCHEMA_FOLDER = 'usr/lib/python3/dist-packages/cloudinit/config/schemas';
export const CLOUD_INIT_SCHEMA_FILES = ['schema-cloud-config-v1.json', 'schema-network-config-v1.json'] as const;

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
