import { EVENT_ID, SCALAR_STYLE, getScalarValue, type Event, type ScalarEvent } from 'js-yaml';

/** Where a YAML node lies in its text, as zero-based offsets with an exclusive end. */
type Range = { readonly start: number; readonly end: number };

/** `absent`: nothing is written, as after the colon of `key:`; `start` and `end` are -1 then. */
export type YamlScalar = Range & {
  readonly kind: 'scalar';
  readonly style: 'plain' | 'single-quoted' | 'double-quoted' | 'literal' | 'folded' | 'absent';
  readonly text: string;
};

type YamlSequence = {
  readonly kind: 'sequence';
  readonly start: number;
  readonly flow: boolean;
  readonly items: readonly YamlNode[];
};

export type YamlPair = { readonly key: YamlScalar; readonly value: YamlNode };

export type YamlMapping = {
  readonly kind: 'mapping';
  readonly start: number;
  readonly flow: boolean;
  readonly pairs: readonly YamlPair[];
};

/** `*name`; `target` is what the anchor holds. */
export type YamlAlias = Range & { readonly kind: 'alias'; readonly target: YamlNode };

export type YamlNode = YamlScalar | YamlSequence | YamlMapping | YamlAlias;

const NOTHING: YamlScalar = { kind: 'scalar', style: 'absent', text: '', start: -1, end: -1 };

const STYLES = {
  [SCALAR_STYLE.PLAIN]: 'plain',
  [SCALAR_STYLE.SINGLE_QUOTED]: 'single-quoted',
  [SCALAR_STYLE.DOUBLE_QUOTED]: 'double-quoted',
  [SCALAR_STYLE.LITERAL_BLOCK]: 'literal',
  [SCALAR_STYLE.FOLDED_BLOCK]: 'folded',
} as const;

/**
 * The nodes of each document with their places. js-yaml's own AST has no positions, its events do.
 * Ranges of quoted scalars include the quotes; those of block scalars go from the
 * `|` or `>` to the end of their last line.
 */
export function yamlDocuments(events: readonly Event[], text: string): readonly YamlNode[] {
  const anchors = new Map<string, YamlNode>();
  let next = 0;

  function remember(event: { readonly anchorStart: number; readonly anchorEnd: number }, node: YamlNode): YamlNode {
    if (event.anchorStart >= 0) anchors.set(text.slice(event.anchorStart, event.anchorEnd), node);
    return node;
  }

  function nodesUntilPop(): YamlNode[] {
    const nodes: YamlNode[] = [];
    for (let node = readNode(); node !== undefined; node = readNode()) nodes.push(node);
    return nodes;
  }

  function readNode(): YamlNode | undefined {
    const event = events[next];
    next += 1;
    if (event?.type === EVENT_ID.SCALAR) return remember(event, scalar(event, text));
    if (event?.type === EVENT_ID.ALIAS) {
      const target = anchors.get(text.slice(event.anchorStart, event.anchorEnd)) ?? NOTHING;
      return { kind: 'alias', target, start: event.anchorStart - 1, end: event.anchorEnd };
    }
    if (event?.type === EVENT_ID.SEQUENCE) {
      const items = nodesUntilPop();
      return remember(event, { kind: 'sequence', start: event.start, flow: text[event.start] === '[', items });
    }
    if (event?.type === EVENT_ID.MAPPING) {
      const pairs = pairsOf(nodesUntilPop());
      return remember(event, { kind: 'mapping', start: event.start, flow: text[event.start] === '{', pairs });
    }
    return undefined;
  }

  const documents: YamlNode[] = [];
  while (next < events.length) {
    next += 1; // the document's own event
    documents.push(nodesUntilPop()[0] ?? NOTHING);
  }
  return documents;
}

function scalar(event: ScalarEvent, text: string): YamlScalar {
  if (event.valueStart < 0) return NOTHING;
  const style = STYLES[event.style];
  const quote = style === 'single-quoted' || style === 'double-quoted' ? 1 : 0;
  const decoded = getScalarValue(text, event);
  if (style === 'literal' || style === 'folded') {
    // A block scalar's event goes from its first line, after its header, to the line after the last.
    const header = text.slice(0, event.valueStart).search(/[|>][-+0-9]*[ \t]*(#[^\n]*)?\r?\n$/);
    const start = header < 0 ? event.valueStart : header;
    const end = event.valueStart + text.slice(event.valueStart, event.valueEnd).trimEnd().length;
    return { kind: 'scalar', style, text: decoded, start, end };
  }
  return { kind: 'scalar', style, text: decoded, start: event.valueStart - quote, end: event.valueEnd + quote };
}

/** Keys that are collections cannot be named in a path and do not occur in any of our formats. */
function pairsOf(nodes: readonly YamlNode[]): YamlPair[] {
  const pairs: YamlPair[] = [];
  for (let index = 0; index + 1 < nodes.length; index += 2) {
    const key = nodes[index];
    const value = nodes[index + 1];
    if (key?.kind === 'scalar' && value !== undefined) pairs.push({ key, value });
  }
  return pairs;
}

/** The node itself, with an alias followed to what it stands for. */
export function followAlias(node: YamlNode): Exclude<YamlNode, YamlAlias> {
  let current = node;
  while (current.kind === 'alias') current = current.target;
  return current;
}

/** The pair of a mapping under that key; the last one where the key is there twice, as parsers take it. */
export function pairOf(mapping: YamlMapping, key: string): YamlPair | undefined {
  const own = mapping.pairs.findLast((pair) => pair.key.text === key);
  if (own !== undefined) return own;
  for (const { key: mergeKey, value } of mapping.pairs) {
    if (mergeKey.text !== '<<') continue;
    const merged = followAlias(value);
    const sources = merged.kind === 'sequence' ? merged.items.map(followAlias) : [merged];
    for (const source of sources) {
      const found = source.kind === 'mapping' ? pairOf(source, key) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Every mapping below a node, the node included; what an alias stands for is not visited again. */
export function* mappingsBelow(node: YamlNode): Generator<YamlMapping> {
  if (node.kind === 'mapping') {
    yield node;
    for (const pair of node.pairs) yield* mappingsBelow(pair.value);
  } else if (node.kind === 'sequence') {
    for (const item of node.items) yield* mappingsBelow(item);
  }
}
