import { NOT_RESOLVED, YAML11_SCHEMA, boolYaml11Tag, defineScalarTag } from 'js-yaml';
import { readYamlSource, type YamlSource } from '../config/yaml-source.js';
import type { Problem } from '../errors.js';
import type { Findings } from './findings.js';
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

/** As text: cloud-init takes the two alike. What is not base64 in it is passed over, as Python does. */
const BINARY = defineScalarTag<string>('tag:yaml.org,2002:binary', {
  resolve: (source) => Buffer.from(source, 'base64').toString('latin1'),
  identify: () => false,
});

/** YAML as cloud-init's Python reads it: 0644 is octal, `yes` is true, `<<` merges. */
const CLOUD_INIT_SCHEMA = YAML11_SCHEMA.withTags(PYTHON_BOOLEANS, BINARY);

export function readSeedYaml(file: SeedFile): YamlSource {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const source = readYamlSource(file.text, file.file, { schema: CLOUD_INIT_SCHEMA });
  sources.set(file, source);
  return source;
}

/**
 * What is wrong with a text as YAML. A key that is there twice is a warning: cloud-init takes the last one and says
 * nothing. After anything else it takes nothing at all.
 */
export function yamlFindings({ problems }: YamlSource): Findings {
  const isTwice = ({ code }: Problem): boolean => code === 'yaml-duplicate-key';
  const hint = 'cloud-init takes the last one and drops the others without a word. Keep one.';
  return {
    problems: problems.filter((problem) => !isTwice(problem)),
    warnings: problems.filter(isTwice).map((problem) => ({ ...problem, hint })),
  };
}

/** Each check reads the same few texts, and a fleet has thousands of them. */
const sources = new WeakMap<SeedFile, YamlSource>();

/** A mapping as plain data; undefined for anything else. */
export function asMapping(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
  return isMapping ? (value as Readonly<Record<string, unknown>>) : undefined;
}
