import {
  NOT_RESOLVED,
  YAML11_SCHEMA,
  defineMappingTag,
  defineScalarTag,
  mapTag,
  type ScalarTagDefinition,
} from 'js-yaml';
import { readYamlSource, type YamlSource } from '../../config/yaml-source.js';
import type { Problem } from '../../errors.js';
import type { Findings } from '../text/findings.js';
import { readPlainScalar, type PlainScalar } from './pyyaml-scalars.js';
import { pyyamlEvents } from './pyyaml-events.js';
import { keysThatAreNoText } from './pyyaml-keys.js';
import { pyyamlRefusals } from './pyyaml-refusals.js';
import type { SeedFile } from '../text/seed.js';

type ScalarKind = PlainScalar['kind'];

/** `!!float 5` is a float, though 5 alone is none. */
function scalarTag(name: string, kind: ScalarKind, explicit: readonly ScalarKind[] = [kind]): ScalarTagDefinition {
  return defineScalarTag<unknown>(`tag:yaml.org,2002:${name}`, {
    implicit: true,
    resolve: (source, isExplicit) => {
      const read = readPlainScalar(source);
      const wanted = isExplicit ? explicit.includes(read.kind) : read.kind === kind;
      if (!wanted || read.kind === 'fault') return NOT_RESOLVED;
      return kind === 'null' ? null : read.value;
    },
    identify: () => false,
  });
}

/** As text: cloud-init takes the two alike. What is not base64 in it is passed over, as Python does. */
const BINARY = defineScalarTag<string>('tag:yaml.org,2002:binary', {
  resolve: (source) => Buffer.from(source, 'base64').toString('latin1'),
  identify: () => false,
});

/** Mappings whose keys may be dates, too. */
const MAPPING = defineMappingTag<Record<string, unknown>>('tag:yaml.org,2002:map', {
  ...mapTag,
  addPair: (mapping, key, value) => mapTag.addPair(mapping, keyText(key), value),
  has: (mapping, key) => mapTag.has(mapping, keyText(key)),
});

function keyText(key: unknown): unknown {
  return key instanceof Date ? key.toISOString().replace(/T00:00:00\.000Z$/, '') : key;
}

/** YAML as cloud-init's Python reads it: 0644 is octal, `yes` is true, `y` is text, `<<` merges. */
const CLOUD_INIT_SCHEMA = YAML11_SCHEMA.withTags(
  scalarTag('null', 'null', ['null', 'text']),
  scalarTag('bool', 'bool'),
  scalarTag('int', 'int'),
  scalarTag('float', 'float', ['float', 'int']),
  scalarTag('timestamp', 'date'),
  BINARY,
  MAPPING,
);

export function readSeedYaml(file: SeedFile): YamlSource {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const read = readYamlSource(file.text, file.file, { schema: CLOUD_INIT_SCHEMA, parse: pyyamlEvents });
  const source = { ...read, problems: [...read.problems, ...pyyamlRefusals(read)] };
  sources.set(file, source);
  return source;
}

/**
 * What is wrong with a text as YAML. A key that is there twice is a warning: cloud-init takes the last one and says
 * nothing; so is a key that is no text. After anything else it takes nothing at all.
 */
export function yamlFindings(source: YamlSource): Findings {
  const { problems } = source;
  const isTwice = ({ code }: Problem): boolean => code === 'yaml-duplicate-key';
  const hint = 'cloud-init takes the last one and drops the others without a word. Keep one.';
  return {
    problems: problems.filter((problem) => !isTwice(problem)).map(inWordsOfCloudInit),
    warnings: [
      ...problems.filter(isTwice).map((problem) => ({ ...problem, hint })),
      ...keysThatAreNoText(source).map(({ problem }) => problem),
    ],
  };
}

function inWordsOfCloudInit(problem: Problem): Problem {
  if (problem.code !== 'yaml-many-documents') return problem;
  return { ...problem, message: 'a second YAML document begins here; cloud-init ignores a file with two as a whole' };
}

/** Each check reads the same few texts, and a fleet has thousands of them. */
const sources = new WeakMap<SeedFile, YamlSource>();

/** A mapping as plain data; undefined for anything else. */
export function asMapping(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
  return isMapping ? (value as Readonly<Record<string, unknown>>) : undefined;
}
