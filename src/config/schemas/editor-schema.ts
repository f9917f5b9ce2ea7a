import * as z from 'zod';

type Node = Record<string, unknown>;

/**
 * A JSON Schema for editors. With `extendsDescription`, for files that extend others: no key is required in it, because
 * what one file leaves out may stand in the file that it extends, so only `validate` can tell what is missing.
 */
export function editorSchema(schema: z.ZodType, title: string, extendsDescription?: string): Node {
  const whole = z.toJSONSchema(schema, { io: 'input' });
  if (extendsDescription === undefined) {
    const { $schema, ...rest } = whole;
    return { $schema, title, ...rest };
  }
  const { $schema, properties, ...rest } = optional(whole) as Node;
  return {
    $schema,
    title,
    ...rest,
    properties: { extends: { type: 'string', description: extendsDescription }, ...(properties as Node) },
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
        : key === 'additionalProperties'
          ? optional(value)
          : value,
    ]),
  );
}
