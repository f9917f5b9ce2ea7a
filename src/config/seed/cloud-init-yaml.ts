import { NOT_RESOLVED, YAML11_SCHEMA, boolYaml11Tag, defineScalarTag } from 'js-yaml';
import { readYamlSource, type YamlSource } from '../yaml-source.js';
import type { SeedFile } from './seed.js';

/** PyYAML, unlike YAML 1.1 itself, does not take `y` and `n` as booleans. */
const PYTHON_BOOLEANS = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
  implicit: true,
  implicitFirstChars: boolYaml11Tag.implicitFirstChars,
  resolve: (source) => {
    if (/^(yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(source)) return true;
    if (/^(no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(source)) return false;
    return NOT_RESOLVED;
  },
  identify: (data) => typeof data === 'boolean',
});

/** YAML as cloud-init's Python reads it: 0644 is octal, `yes` is true, `<<` merges. */
const CLOUD_INIT_SCHEMA = YAML11_SCHEMA.withTags(PYTHON_BOOLEANS);

/** Reads a file of a seed; `value` holds text where the YAML has `!!binary`, as cloud-init takes both alike. */
export function readSeedYaml({ text, file }: SeedFile): YamlSource {
  const source = readYamlSource(text, file, { schema: CLOUD_INIT_SCHEMA });
  return { ...source, value: binaryAsText(source.value, new Set()) };
}

function binaryAsText(value: unknown, above: ReadonlySet<unknown>): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value !== 'object' || value === null || value instanceof Date || above.has(value)) return value;
  const inside = new Set([...above, value]);
  if (Array.isArray(value)) return value.map((item: unknown) => binaryAsText(item, inside));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, binaryAsText(item, inside)]));
}

/** A mapping as plain data; undefined for anything else. */
export function asMapping(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
  return isMapping ? (value as Readonly<Record<string, unknown>>) : undefined;
}
