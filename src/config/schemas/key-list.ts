import { boardJsonSchema } from './board-json-schema.js';

type Node = {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
};

const KEY_LIST_START = '<!-- keys: written by `npm run schema` -->';
const KEY_LIST_END = '<!-- end of keys -->';

/**
 * The text with the list between its two marks replaced: every key of a file with what its schema says of it. By
 * default for docs/boards.md.
 */
export function withKeyList(document: string, schema: Node = boardJsonSchema()): string {
  const start = document.indexOf(KEY_LIST_START);
  const end = document.indexOf(KEY_LIST_END);
  if (start < 0 || end < start) throw new TypeError('the document has no place for the list of keys');
  return `${document.slice(0, start)}${KEY_LIST_START}\n\n${keysOf(schema, '').join('\n')}\n\n${document.slice(end)}`;
}

function keysOf(node: Node, prefix: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const name = `${prefix}${key}`;
    return [
      `- \`${name}\` (${describeType(child)}): ${child.description ?? ''}`,
      ...alternatives(child).flatMap((one) => keysBelow(one, name)),
    ];
  });
}

/** Keys of a map's values, of a list's items, or of what stands under names that the file chooses. */
function keysBelow(node: Node, name: string): string[] {
  if (node.items?.properties !== undefined) return keysOf(node.items, `${name}[].`);
  const { additionalProperties: named } = node;
  return [...keysOf(node, `${name}.`), ...(typeof named === 'object' ? keysOf(named, `${name}.<name>.`) : [])];
}

function alternatives(node: Node): readonly Node[] {
  return node.anyOf ?? [node];
}

function describeType(node: Node): string {
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(describeType))].join(' or ');
  const { type = 'text', default: preset } = node;
  const words = node.const === undefined ? node.enum : [node.const];
  const kind = words === undefined ? (TYPES[type] ?? type) : words.map((word) => `\`${word}\``).join(' or ');
  const items = type === 'array' && node.items?.enum !== undefined ? ` of ${describeType(node.items)}` : '';
  const isPlain = typeof preset === 'string' || typeof preset === 'number';
  return `${kind}${items}${isPlain ? `, default \`${preset}\`` : ''}`;
}

const TYPES: Readonly<Record<string, string>> = { string: 'text', array: 'list', object: 'map', integer: 'number' };
