import type { Json } from '../../model/json.js';
import { followAlias, pairOf, type YamlMapping, type YamlNode, type YamlPair } from '../../config/yaml-nodes.js';
import { positionFinder, type YamlSource } from '../../config/yaml-source.js';
import type { TextEdit } from './text-edit.js';

/** YAML of a text that no style and no reader takes for anything else: JSON is YAML. */
function quoted(value: Json): string {
  return JSON.stringify(value);
}

/** Gives the top-level `key` that value; every other byte stays. undefined where the document is no mapping. */
export function setTopLevel(source: YamlSource, key: string, value: Json): TextEdit | undefined {
  const root = rootMapping(source);
  if (root === undefined || pairOf(root, key) === undefined) return addTopLevel(source, `${key}: ${quoted(value)}`);
  return setKey(source, root, key, value);
}

/** The same for any mapping of the document; a key that is new comes first. */
export function setKey(source: YamlSource, mapping: YamlMapping, key: string, value: Json): TextEdit | undefined {
  const pair = ownPair(mapping, key);
  if (pair === undefined) return addPair(source.text, mapping, key, value);
  const node = pair.value;
  // An alias is replaced: what it stands for belongs to somebody else, too.
  if (node.kind === 'alias') return { start: node.start, end: node.end, replacement: quoted(value) };
  if (node.kind !== 'scalar') {
    // A list or a mapping, with all that stands in it, goes behind the colon.
    const start = source.text.indexOf(':', pair.key.end) + 1;
    return { start, end: endOf(node, pair.key.end, source.text), replacement: ` ${quoted(value)}` };
  }
  if (node.style === 'absent') return afterColon(source.text, pair.key.end, quoted(value));
  return { start: node.start, end: node.end, replacement: quoted(value) };
}

/** The pair that stands in the mapping itself, not in one that "<<" merges. */
export function ownPair(mapping: YamlMapping, key: string): YamlPair | undefined {
  return mapping.pairs.findLast((pair) => pair.key.text === key);
}

/** Gives a pair another key; its value stays. */
export function renameKey(mapping: YamlMapping, from: string, to: string): TextEdit | undefined {
  const pair = ownPair(mapping, from);
  return pair === undefined ? undefined : { start: pair.key.start, end: pair.key.end, replacement: to };
}

/** Puts items at the head of the list under `key` of a mapping, which gets the key if it has none. */
export function addToList(
  source: YamlSource,
  mapping: YamlMapping,
  key: string,
  items: readonly Json[],
): TextEdit | undefined {
  const pair = ownPair(mapping, key);
  const inline = `[${items.map(quoted).join(', ')}]`;
  if (pair === undefined) return addKey(source.text, mapping, key, items);
  const list = followAlias(pair.value);
  if (list.kind === 'scalar' && list.style === 'absent') return afterColon(source.text, pair.key.end, inline);
  if (list.kind !== 'sequence') return undefined;
  if (list.flow) {
    const separator = list.items.length === 0 ? '' : ', ';
    return insert(list.start + 1, items.map(quoted).join(', ') + separator);
  }
  const indent = indentAt(source.text, list.start);
  return insert(list.start, items.map((item) => `- ${quoted(item)}\n${indent}`).join(''));
}

/** The same for the document itself, which may still be empty. */
export function addToTopLevelList(source: YamlSource, key: string, items: readonly Json[]): TextEdit | undefined {
  const root = rootMapping(source);
  if (root !== undefined) return addToList(source, root, key, items);
  return addTopLevel(source, [`${key}:`, ...items.map((item) => `  - ${quoted(item)}`)].join('\n'));
}

export function rootMapping(source: YamlSource): YamlMapping | undefined {
  const root = source.root === undefined ? undefined : followAlias(source.root);
  return root?.kind === 'mapping' ? root : undefined;
}

/** Before the first key, where nothing can stand in the way: comments stay with the keys that they belong to. */
function addKey(text: string, mapping: YamlMapping, key: string, items: readonly Json[]): TextEdit {
  const first = mapping.pairs[0];
  if (mapping.flow || first === undefined) {
    const separator = first === undefined ? '' : ', ';
    return insert(mapping.start + 1, `${key}: [${items.map(quoted).join(', ')}]${separator}`);
  }
  const indent = indentAt(text, first.key.start);
  const lines = items.map((item) => `${indent}  - ${quoted(item)}\n`).join('');
  return insert(first.key.start, `${key}:\n${lines}${indent}`);
}

function addPair(text: string, mapping: YamlMapping, key: string, value: Json): TextEdit {
  const first = mapping.pairs[0];
  const pair = `${key}: ${quoted(value)}`;
  if (mapping.flow || first === undefined) return insert(mapping.start + 1, first === undefined ? pair : `${pair}, `);
  return insert(first.key.start, `${pair}\n${indentAt(text, first.key.start)}`);
}

/** At the end: what a person wrote comes first. */
function addTopLevel(source: YamlSource, lines: string): TextEdit | undefined {
  const { text } = source;
  const root = rootMapping(source);
  if (root === undefined && source.value !== undefined && source.value !== null) return undefined;
  if (root?.flow === true) return insert(root.start + 1, root.pairs.length === 0 ? lines : `${lines}, `);
  const indent = root === undefined ? '' : indentAt(text, root.start);
  const newLine = text === '' || text.endsWith('\n') ? '' : '\n';
  return insert(
    text.length,
    newLine +
      lines
        .split('\n')
        .map((line) => `${indent}${line}\n`)
        .join(''),
  );
}

/** Where a node ends: behind its bracket, or behind the last thing that stands in it. */
function endOf(node: YamlNode, before: number, text: string): number {
  if (node.kind === 'scalar' || node.kind === 'alias') return Math.max(node.end, before);
  const children =
    node.kind === 'sequence' ? node.items : node.pairs.flatMap(({ key, value }): YamlNode[] => [key, value]);
  const last = children.reduce((end, child) => endOf(child, end, text), node.start + (node.flow ? 1 : 0));
  if (!node.flow) return last;
  const rest = /^(?:[\s,:]|#[^\n]*)*[\]}]/.exec(text.slice(last));
  return last + (rest?.[0].length ?? 0);
}

function afterColon(text: string, keyEnd: number, value: string): TextEdit {
  return insert(text.indexOf(':', keyEnd) + 1, ` ${value}`);
}

function insert(at: number, replacement: string): TextEdit {
  return { start: at, end: at, replacement };
}

function indentAt(text: string, offset: number): string {
  return ' '.repeat(positionFinder(text)(offset).column - 1);
}

/** A whole value as YAML over several lines, in a form that YAML 1.1 and 1.2 read alike. */
export function blockYaml(value: Json, indent = ''): string {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return `${indent}${quoted(value)}\n`;
  return Object.entries(value)
    .map(([key, inner = null]) => {
      const name = /^[a-z][a-z0-9-]{3,}$/.test(key) && !/^(true|false|null)$/.test(key) ? key : quoted(key);
      const isBlock =
        typeof inner === 'object' && inner !== null && !Array.isArray(inner) && Object.keys(inner).length > 0;
      return isBlock ? `${indent}${name}:\n${blockYaml(inner, `${indent}  `)}` : `${indent}${name}: ${quoted(inner)}\n`;
    })
    .join('');
}
