import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { UserError } from '../errors.js';
import { readYamlSource } from './yaml-source.js';
import { problemsFromZod } from './zod-problems.js';

/** A package's name as Debian's policy has it (5.6.7). */
export const PACKAGE_NAME = /^[a-z0-9][a-z0-9+.-]+$/;

const packageSetSchema = z.array(z.string().regex(PACKAGE_NAME, 'must be the name of a Debian package'));

/** A YAML list of package names (boards/packages/). Throws UserError with the place of each problem. */
export async function readPackageSet(file: string): Promise<readonly string[]> {
  const source = readYamlSource(await readFile(file, 'utf8'), file);
  if (source.problems.length > 0) throw UserError.fromProblems(source.problems);
  const parsed = packageSetSchema.safeParse(source.value);
  if (!parsed.success) throw UserError.fromProblems(problemsFromZod(parsed.error, source, file));
  return parsed.data;
}
