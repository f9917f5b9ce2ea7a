import * as z from 'zod';
import { boardSchema } from './board-schema.js';
import { EXTENDS_DESCRIPTION } from './board-layers.js';

type Node = Record<string, unknown>;

/**
 * The schema that editors use for board files and for the families they extend. No key is required in it: what one
 * file leaves out may stand in the file that it extends, so only `boards validate` can tell what is missing.
 */
export function boardJsonSchema(): Node {
  const { $schema, properties, ...rest } = optional(z.toJSONSchema(boardSchema, { io: 'input' })) as Node;
  return {
    $schema,
    title: 'Board definition of reswarm-os',
    ...rest,
    properties: { extends: { type: 'string', description: EXTENDS_DESCRIPTION }, ...(properties as Node) },
  };
}

/** Without `required`, except in list items: lists are replaced as a whole, so their items are complete. */
function optional(node: unknown): unknown {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return node;
  const entries = Object.entries(node).filter(([key]) => key !== 'required');
  return Object.fromEntries(
    entries.map(([key, value]) => [
      key,
      key === 'properties'
        ? Object.fromEntries(Object.entries(value as Node).map(([name, child]) => [name, optional(child)]))
        : value,
    ]),
  );
}
