import { readFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import * as z from 'zod';
import type { KernelRequirements } from './requirements.js';

const options = z
  .array(z.array(z.string()))
  .default([])
  .transform((lists) => lists.flat());

const lists = z.array(
  z.strictObject({
    source: z.string(),
    when: z.string().optional(),
    unless: z.string().optional(),
    on: options,
    builtIn: options,
    off: z.array(z.string()).default([]),
    except: z.record(z.string(), z.string()).default({}),
  }),
);

/** Reads boards/kernel/requirements.yaml, which is ours: a mistake in it is a bug. */
export async function readKernelRequirements(file: string): Promise<readonly KernelRequirements[]> {
  return lists.parse(load(await readFile(file, 'utf8')));
}
