import * as z from 'zod';
import type { Path } from './yaml-source.js';

/** The keys that a schema allows in the mapping at a path; empty where it allows any, or none. */
export function allowedKeys(schema: z.core.$ZodType, path: Path): string[] {
  const keys = schemasAt([schema], path).flatMap((found) =>
    found instanceof z.ZodObject ? Object.keys(found.shape as object) : [],
  );
  return [...new Set(keys)];
}

function schemasAt(schemas: readonly z.core.$ZodType[], path: Path): z.core.$ZodType[] {
  const bare = schemas.flatMap(alternativesOf);
  const [segment, ...rest] = path;
  if (segment === undefined) return bare;
  const below = bare.flatMap((schema): z.core.$ZodType[] => {
    if (schema instanceof z.ZodArray) return [schema.element];
    if (schema instanceof z.ZodRecord) return [schema.valueType];
    if (schema instanceof z.ZodTuple) return schema.def.items.filter((_, index) => index === segment);
    if (schema instanceof z.ZodObject) {
      const shape = schema.shape as Record<string, z.core.$ZodType>;
      const member = shape[segment] ?? schema.def.catchall;
      return member === undefined ? [] : [member];
    }
    return [];
  });
  return schemasAt(below, rest);
}

/** Without the wrappers that do not change the keys; each alternative of a union on its own. */
function alternativesOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch
  ) {
    return alternativesOf(schema.def.innerType);
  }
  if (schema instanceof z.ZodPipe) return alternativesOf(schema.def.in);
  if (schema instanceof z.ZodLazy) return alternativesOf(schema.def.getter());
  if (schema instanceof z.ZodIntersection) return [schema.def.left, schema.def.right].flatMap(alternativesOf);
  if (schema instanceof z.ZodUnion) return schema.def.options.flatMap(alternativesOf);
  return [schema];
}
