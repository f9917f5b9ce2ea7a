import * as z from 'zod';
import type { Problem } from '../../errors.js';
import type { Written } from '../../model/software.js';
import type { FileChain } from '../file-chain.js';
import { isMap } from '../file-chain.js';
import type { YamlSource } from '../yaml-source.js';
import { problemsFromZod } from '../zod-problems.js';
import type { PartitionEntry, partitionMap } from '../schemas/partition-schema.js';
import { partitionList } from '../schemas/partition-schema.js';

/** What files say of one partition, and where each key of it, or the partition itself, stands. */
export type SaidPartition = {
  readonly name: string;
  readonly said: Partial<PartitionEntry>;
  readonly at: (key?: string, index?: number) => Written;
};

/** How a chain of files writes its partitions. `none`: it says nothing of them. */
export type PartitionShape = 'list' | 'map' | 'none';

/** The shape that all files of a chain have in common. Code: `partitions-mixed`. */
export function partitionShape(chain: FileChain): { readonly shape: PartitionShape; readonly problems: Problem[] } {
  const saying = chain.sources.filter(({ value }) => partitionsOf(value) !== undefined);
  const [nearest, ...others] = saying;
  if (nearest === undefined) return { shape: 'none', problems: [] };
  const shape = shapeOf(nearest);
  const other = others.find((source) => shapeOf(source) !== shape);
  const problems =
    other === undefined ? [] : [mixed(nearest, `a ${shape} here and a ${shapeOf(other)} in ${other.file}`)];
  return { shape, problems: [...problems, ...alignedTwice(chain, shape)] };
}

/** The partitions of a chain that writes lists, those of the farthest file first. Codes: `partition-name-twice` and those of the schema. */
export function readPartitionList({ sources }: FileChain): {
  readonly partitions: readonly SaidPartition[];
  readonly problems: readonly Problem[];
} {
  const read = sources.toReversed().map(readSource);
  return {
    partitions: mergeByName(read.flatMap(({ partitions }) => partitions)),
    problems: read.flatMap(({ problems }) => problems),
  };
}

/** The two partitions of a board from before there were systems. */
export function partitionsOfMap(map: z.output<typeof partitionMap>, chain: FileChain): readonly SaidPartition[] {
  const said: { readonly name: 'boot' | 'root'; readonly said: Partial<PartitionEntry> }[] = [];
  if (map.boot !== undefined) {
    const { fs, ...boot } = map.boot;
    said.push({ name: 'boot', said: { role: 'boot', ...(fs === undefined ? {} : { fs: 'vfat' }), ...boot } });
  }
  if (map.root !== undefined) said.push({ name: 'root', said: { role: 'root', ...map.root } });
  return said.map((one) => ({
    ...one,
    at: (...path) => chain.locate(['partitions', one.name, ...segments(path)]),
  }));
}

/** Entries of one name become one, in which the later entry wins; a name keeps the place of its first entry. */
export function mergeByName(partitions: readonly SaidPartition[]): readonly SaidPartition[] {
  const merged = new Map<string, SaidPartition>();
  for (const above of partitions) {
    const below = merged.get(above.name);
    merged.set(above.name, below === undefined ? above : over(below, above));
  }
  return [...merged.values()];
}

function over(below: SaidPartition, above: SaidPartition): SaidPartition {
  return {
    name: above.name,
    said: { ...below.said, ...above.said },
    at: (key, index) =>
      key !== undefined && !Object.hasOwn(above.said, key) && Object.hasOwn(below.said, key)
        ? below.at(key, index)
        : above.at(key, index),
  };
}

function readSource(source: YamlSource): { partitions: SaidPartition[]; problems: Problem[] } {
  const written = partitionsOf(source.value);
  if (written === undefined) return { partitions: [], problems: [] };
  const parsed = LIST_ALONE.safeParse({ partitions: written }, { reportInput: true });
  if (!parsed.success) {
    return { partitions: [], problems: problemsFromZod(parsed.error, source, source.file, { schema: LIST_ALONE }) };
  }
  const partitions = parsed.data.partitions.map((said, index): SaidPartition => ({
    name: said.name,
    said,
    at: (...path) => ({ file: source.file, ...source.locate(['partitions', index, ...segments(path)]) }),
  }));
  return { partitions, problems: namedTwice(partitions) };
}

function segments(path: readonly (string | number | undefined)[]): (string | number)[] {
  return path.filter((part) => part !== undefined);
}

const LIST_ALONE = z.strictObject({ partitions: partitionList });

function namedTwice(partitions: readonly SaidPartition[]): Problem[] {
  return partitions
    .filter(({ name }, index) => partitions.findIndex((other) => other.name === name) < index)
    .map(({ name, at }) => ({
      code: 'partition-name-twice',
      message: `there are two partitions "${name}" in this list`,
      hint: 'Give one of them another name.',
      ...at('name'),
    }));
}

function partitionsOf(value: unknown): unknown {
  return isMap(value) ? value.partitions : undefined;
}

function shapeOf({ value }: YamlSource): 'list' | 'map' {
  return Array.isArray(partitionsOf(value)) ? 'list' : 'map';
}

/** `partitions.alignment` belongs to the map, `partitionAlignment` to the list. */
function alignedTwice({ sources }: FileChain, shape: PartitionShape): Problem[] {
  const written = sources.find(({ value }) => isMap(value) && value.partitionAlignment !== undefined);
  if (shape !== 'map' || written === undefined) return [];
  return [mixed(written, 'a map, which has an alignment of its own', 'partitionAlignment')];
}

function mixed(source: YamlSource, what: string, key = 'partitions'): Problem {
  return {
    code: 'partitions-mixed',
    message: `"partitions" is ${what}: one form or the other`,
    hint: 'Write all of it as a list: "partitions: [{ name: root, headroom: 64M }]" and "partitionAlignment: 4M".',
    file: source.file,
    ...source.locate([key]),
  };
}
