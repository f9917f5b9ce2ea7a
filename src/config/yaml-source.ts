import {
  CORE_SCHEMA,
  YAMLException,
  constructFromEvents,
  mergeTag,
  parseEvents,
  type Event,
  type Schema,
} from 'js-yaml';
import type { Problem } from '../errors.js';
import { followAlias, mappingsBelow, pairOf, yamlDocuments, type YamlNode } from './yaml-nodes.js';

export type Path = readonly (string | number)[];

/** Counted from 1, as editors do. */
export type Position = { readonly line: number; readonly column: number };

/** A YAML text, its value and the way back from any place in the value to the text. */
export type YamlSource = {
  readonly file: string;
  readonly text: string;
  /** undefined when the text is empty, holds comments only, or cannot be parsed. */
  readonly value: unknown;
  /** undefined in the same cases as `value`. */
  readonly root: YamlNode | undefined;
  /**
   * Where the value at a path begins, or its key with `part: 'key'`. A value that begins on a later line than its
   * key (a block mapping or sequence) and a value that is not written at all are shown by their key. Of a path that
   * does not exist, the deepest part that does is shown; 1:1 if none does.
   */
  locate(path: Path, part?: 'key' | 'value'): Position;
  /** Codes `yaml-syntax`, `yaml-tab`, `yaml-duplicate-key`, `yaml-many-documents`. */
  readonly problems: readonly Problem[];
};

export type YamlSourceOptions = {
  /** How plain scalars are read; by default as in YAML 1.2's core schema, and `<<` merges. */
  readonly schema?: Schema;
  /** js-yaml's `parseEvents` by default. */
  readonly parse?: (text: string) => Event[];
};

const MERGING_SCHEMA = CORE_SCHEMA.withTags(mergeTag);

/** Reads a YAML text that holds one document. Never throws: what is wrong is in `problems`. */
export function readYamlSource(text: string, file: string, options: YamlSourceOptions = {}): YamlSource {
  const schema = options.schema ?? MERGING_SCHEMA;
  const position = positionFinder(text);
  const empty = { file, text, value: undefined, root: undefined, locate: () => ({ line: 1, column: 1 }) };
  try {
    const events = options.parse?.(text) ?? parseEvents(text, {});
    const roots = yamlDocuments(events, text);
    const [root, second] = roots;
    if (root === undefined) return { ...empty, problems: [] };
    const problems: Problem[] = [...duplicateKeys(root, file, position)];
    if (second !== undefined) problems.push(manyDocuments(file, position(firstOffset(second, text.length))));
    // `json`: a key that is there twice does not stop us; it has been noted above, every one of them.
    const value = constructFromEvents(events, { source: text, schema, json: true })[0];
    const locate = (path: Path, part: 'key' | 'value' = 'value'): Position => position(offsetOf(root, path, part));
    return { file, text, value, root, locate, problems };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return { ...empty, problems: [syntaxProblem(error, text, file)] };
  }
}

/** Line and column of offsets into a text. `\r\n`, `\n` and `\r` end a line. */
export function positionFinder(text: string): (offset: number) => Position {
  const lineStarts = [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), (match) => match.index + match[0].length)];
  return (offset) => {
    const line = Math.max(1, lineStarts.findLastIndex((start) => start <= offset) + 1);
    return { line, column: Math.max(0, offset) - (lineStarts[line - 1] ?? 0) + 1 };
  };
}

function offsetOf(root: YamlNode, path: Path, part: 'key' | 'value'): number {
  let node: YamlNode = root;
  let place = firstOffset(root, 0);
  for (const [index, segment] of path.entries()) {
    const holder: YamlNode = followAlias(node);
    const keyWanted = part === 'key' && index === path.length - 1;
    if (holder.kind === 'mapping') {
      const pair = pairOf(holder, segment.toString());
      if (pair === undefined) return place;
      const inline = pair.value.kind === 'scalar' || pair.value.kind === 'alias' || pair.value.flow;
      place = keyWanted || !inline ? pair.key.start : firstOffset(pair.value, pair.key.start);
      node = pair.value;
    } else if (holder.kind === 'sequence') {
      const item = holder.items[Number(segment)];
      if (item === undefined) return place;
      place = firstOffset(item, place);
      node = item;
    } else {
      return place;
    }
  }
  return place;
}

function firstOffset(node: YamlNode, otherwise: number): number {
  return node.start < 0 ? otherwise : node.start;
}

function duplicateKeys(root: YamlNode, file: string, position: (offset: number) => Position): Problem[] {
  const problems: Problem[] = [];
  for (const mapping of mappingsBelow(root)) {
    const seen = new Map<string, number>();
    for (const { key } of mapping.pairs) {
      const first = seen.get(key.text);
      if (first === undefined) {
        seen.set(key.text, key.start);
      } else if (key.text !== '<<') {
        problems.push({
          code: 'yaml-duplicate-key',
          message: `"${key.text}" is there twice: it already stands in line ${position(first).line}`,
          hint: 'Keep one of the two; of both, only the last would count.',
          file,
          ...position(key.start),
        });
      }
    }
  }
  return problems;
}

function manyDocuments(file: string, place: Position): Problem {
  return {
    code: 'yaml-many-documents',
    message: 'a second YAML document begins here; only the first would be read',
    hint: 'Remove the "---" between the two.',
    file,
    ...place,
  };
}

function syntaxProblem(error: YAMLException, text: string, file: string): Problem {
  const { line, column } = positionFinder(text)(error.mark?.position ?? 0);
  if (error.reason.includes('tab character')) {
    return {
      code: 'yaml-tab',
      message: 'a tab is used for indentation; YAML allows spaces only',
      hint: 'Replace the tab by spaces.',
      file,
      line,
      column,
    };
  }
  return {
    code: 'yaml-syntax',
    message: `this is not valid YAML: ${error.reason}`,
    hint: hintFor(error),
    file,
    line,
    column,
  };
}

/** What mostly lies behind js-yaml's words. */
function hintFor(error: YAMLException): string {
  if (error.reason.startsWith('bad indentation of a mapping')) {
    return 'Look at the indentation, and quote a value that holds ": " or begins with one of @ ` % { [ & * ! |.';
  }
  if (error.reason.startsWith('deficient indentation') || error.reason.startsWith('unexpected end of the stream')) {
    return 'Something opened above is not closed: a quote, a [ or a {.';
  }
  if (error.reason.startsWith('unidentified alias')) return 'Quote a value that begins with *.';
  return 'Look at this line and the one above it: indentation, quotes, colons followed by a space.';
}
