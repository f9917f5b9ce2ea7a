import { isDeepStrictEqual } from 'node:util';
import type { YamlNode, YamlScalar } from '../../config/yaml-nodes.js';
import { readSeedYaml } from './cloud-init-yaml.js';
import type { SeedFile } from '../text/seed.js';
import { applyEdits, type TextEdit } from './text-edit.js';

/** A document that goes round in circles, or one that nobody wrote by hand. */
const DEEPEST = 64;

/**
 * The same document with a copy in the place of each alias, so that a change of one place changes no other. undefined
 * where the copy would not say the same: circles, tags.
 */
export function withoutAliases(file: SeedFile): SeedFile | undefined {
  const source = readSeedYaml(file);
  const edits: TextEdit[] = [];
  const collect = (node: YamlNode): boolean => {
    if (node.kind === 'alias') {
      const replacement = flowText(node.target, file.text, 0);
      if (replacement !== undefined) edits.push({ start: node.start, end: node.end, replacement });
      return replacement !== undefined;
    }
    if (node.kind === 'sequence') return node.items.every(collect);
    return node.kind !== 'mapping' || node.pairs.every(({ value }) => collect(value));
  };
  if (source.root === undefined || !collect(source.root)) return undefined;
  const expanded = { ...file, text: applyEdits(file.text, edits) };
  return isDeepStrictEqual(readSeedYaml(expanded).value, source.value) ? expanded : undefined;
}

/** A node on one line, in brackets; aliases in it are followed. */
function flowText(node: YamlNode, text: string, depth: number): string | undefined {
  if (depth > DEEPEST) return undefined;
  if (node.kind === 'alias') return flowText(node.target, text, depth + 1);
  if (node.kind === 'scalar') return scalarText(node, text);
  if (node.kind === 'sequence') {
    const items = node.items.map((item) => flowText(item, text, depth + 1));
    return items.includes(undefined) ? undefined : `[${items.join(', ')}]`;
  }
  const pairs = node.pairs.map(({ key, value }) => {
    const inner = flowText(value, text, depth + 1);
    return inner === undefined ? undefined : `${scalarText(key, text)}: ${inner}`;
  });
  return pairs.includes(undefined) ? undefined : `{${pairs.join(', ')}}`;
}

/** A plain scalar stays plain, for it may be a number; what brackets would cut must be text. */
function scalarText(node: YamlScalar, text: string): string {
  if (node.style === 'absent') return 'null';
  const raw = text.slice(node.start, node.end);
  const isPlain = node.style === 'plain' && !/[,[\]{}\n]|: | #/.test(raw);
  return isPlain ? raw : JSON.stringify(node.text);
}
