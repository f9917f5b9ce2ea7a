import * as z from 'zod';
import type { Path } from '../../config/yaml-source.js';
import { deviceSchema } from './fleet-schema.js';

export type Column = { readonly path: Path; readonly kind: 'text' | 'list' | 'boolean' };

/** Values of one cell that is a list: neither sign is part of a key, an address or a path that people use. */
const LIST_SEPARATOR = /[|\n]/;

/** What the header of a table calls a value: its keys with dots between, as `wifi.ssid`. undefined for an unknown one. */
export function columnOf(title: string): Column | undefined {
  const found = COLUMNS.get(title);
  if (found !== undefined) return found;
  const entry = /^config-txt\.(.+)$/.exec(title)?.[1];
  return entry === undefined ? undefined : { path: ['config-txt', entry], kind: 'text' };
}

/** Every title but those of `config-txt.<key>`, of which there is no end. */
export function columnTitles(): readonly string[] {
  return [...COLUMNS.keys()];
}

/** A cell as YAML would have it. What does not fit stays text, for the schema to refuse. */
export function cellValue(text: string, kind: Column['kind']): unknown {
  if (kind === 'list') {
    return text
      .split(LIST_SEPARATOR)
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }
  if (kind === 'boolean' && /^(true|yes|1)$/i.test(text)) return true;
  if (kind === 'boolean' && /^(false|no|0)$/i.test(text)) return false;
  return text;
}

const COLUMNS: ReadonlyMap<string, Column> = new Map(
  columnsBelow(deviceSchema, []).map((column) => [column.path.join('.'), column]),
);

function columnsBelow(schema: z.core.$ZodType, path: Path): Column[] {
  if (schema instanceof z.ZodOptional) return columnsBelow(schema.def.innerType, path);
  if (schema instanceof z.ZodObject) {
    const shape = schema.shape as Readonly<Record<string, z.core.$ZodType>>;
    return Object.entries(shape).flatMap(([key, child]) => columnsBelow(child, [...path, key]));
  }
  if (schema instanceof z.ZodRecord) return [];
  const kind = schema instanceof z.ZodArray ? 'list' : schema instanceof z.ZodBoolean ? 'boolean' : 'text';
  return [{ path, kind }];
}
