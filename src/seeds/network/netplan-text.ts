import { floatText } from '../yaml/pyyaml-scalars.js';

/**
 * A network-config of version 2 as netplan sees it: cloud-init writes what Python has read of it, and to netplan every
 * scalar of that is text: `yes` has become "true", 0123 "83".
 */
export function netplanText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(netplanText);
  if (value instanceof Date) return value.toISOString().replace(/T00:00:00\.000Z$/, '');
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value).toString() : floatText(value);
  if (typeof value === 'boolean') return value.toString();
  if (value === null || value === undefined) return 'null';
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, netplanText(item)]));
}
