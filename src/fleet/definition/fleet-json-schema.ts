import * as z from 'zod';
import { deviceSchema, fleetSchema } from './fleet-schema.js';

type Node = Record<string, unknown>;

/** The schema that editors use for fleet files. */
export function fleetJsonSchema(): Node {
  const { $schema, ...rest } = z.toJSONSchema(fleetSchema, { io: 'input' }) as Node;
  return { $schema, title: 'Fleet of reswarm-os: devices that share an image', ...rest };
}

/** The values that one device can have. */
export function deviceJsonSchema(): Node {
  return z.toJSONSchema(deviceSchema, { io: 'input' });
}
