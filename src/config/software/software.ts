import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Software, SoftwareFile, SoftwareUnit, Written } from '../../model/software.js';
import { unitFaults } from '../../formats/unit-file.js';
import type { Problem } from '../../errors.js';
import { checkSoftwareRules } from './software-rules.js';
import type { SoftwareDefinition } from '../schemas/software-schema.js';
import { softwareFileSchema } from '../schemas/software-schema.js';
import type { Path } from '../yaml-source.js';
import { readYamlSource } from '../yaml-source.js';
import { problemsFromZod } from '../zod-problems.js';

export type SoftwareRead = { readonly software: readonly Software[]; readonly problems: readonly Problem[] };

/** How paths and places of the document that names software are found. */
export type SoftwarePlaces = {
  readonly resolvePath: (written: string, at: Path) => string;
  readonly locate: (path: Path) => Written;
};

/**
 * Software with its units read and its files found. Codes: `software-file-not-found`, `software-unit-invalid`, of units
 * in files of their own with the line there.
 */
export async function resolveSoftware(
  definitions: readonly SoftwareDefinition[],
  places: SoftwarePlaces,
): Promise<SoftwareRead> {
  const problems: Problem[] = [];
  const software: Software[] = [];
  for (const [index, { name, files, units }] of definitions.entries()) {
    const filesPath = ['software', index, 'files'];
    const unitsPath = ['software', index, 'units'];
    for (const [at, { file }] of files.entries()) {
      if (file !== undefined) problems.push(...(await missing(file, [...filesPath, at, 'file'], places)));
    }
    const readUnits: SoftwareUnit[] = [];
    for (const [at, unit] of units.entries()) {
      const read = await readUnit(unit, [...unitsPath, at], places);
      problems.push(...read.problems);
      if (read.unit !== undefined) readUnits.push(read.unit);
    }
    software.push({
      name,
      files: files.map((file, at) => softwareFile(file, [...filesPath, at], places)),
      units: readUnits,
    });
  }
  return { software, problems };
}

/** A file of `build --software`. Codes: `software-file-not-found`, those of the YAML reader, of the schema and of the rules. */
export async function loadSoftwareFile(file: string): Promise<SoftwareRead> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    const message = `there is no software file ${file}`;
    return { software: [], problems: [{ code: 'software-file-not-found', message, hint: 'Check the path.' }] };
  }
  const source = readYamlSource(text, file);
  if (source.problems.length > 0) return { software: [], problems: source.problems };
  const parsed = softwareFileSchema.safeParse(source.value ?? {}, { reportInput: true });
  if (!parsed.success) {
    return { software: [], problems: problemsFromZod(parsed.error, source, file, { schema: softwareFileSchema }) };
  }
  const locate = (path: Path): Written => ({ file, ...source.locate(path) });
  const broken = checkSoftwareRules(parsed.data.software);
  const read = await resolveSoftware(parsed.data.software, {
    resolvePath: (written) => resolve(dirname(file), written),
    locate,
  });
  return {
    software: read.software,
    problems: [...broken.map(({ path, ...problem }) => ({ ...problem, ...locate(path) })), ...read.problems],
  };
}

function softwareFile(
  definition: SoftwareDefinition['files'][number],
  path: Path,
  { resolvePath, locate }: SoftwarePlaces,
): SoftwareFile {
  const { url, file = '', sha256, to, mode, owner, unpack, strip } = definition;
  return {
    source: url === undefined ? { path: resolvePath(file, [...path, 'file']) } : { url },
    ...(sha256 === undefined ? {} : { sha256 }),
    to,
    mode: parseInt(String(mode), 8),
    owner,
    ...(unpack ? { unpack: { strip } } : {}),
    at: locate([...path, 'to']),
  };
}

async function readUnit(
  { name, text, file, enable }: SoftwareDefinition['units'][number],
  path: Path,
  places: SoftwarePlaces,
): Promise<{ readonly unit?: SoftwareUnit; readonly problems: readonly Problem[] }> {
  const at = places.locate([...path, 'name']);
  const unitFile = file === undefined ? undefined : places.resolvePath(file, [...path, 'file']);
  const content = unitFile === undefined ? text : await readFile(unitFile, 'utf8').catch(() => undefined);
  if (content === undefined) {
    return { problems: file === undefined ? [] : [notFound(unitFile ?? file, places.locate([...path, 'file']))] };
  }
  const problems = unitFaults(name, content, enable).map(({ line, message, hint }): Problem => {
    const problem = { code: 'software-unit-invalid', hint };
    return unitFile === undefined
      ? { ...problem, message: `${name}, line ${line}: ${message}`, ...places.locate([...path, 'text']) }
      : { ...problem, message: `${name}: ${message}`, file: unitFile, line, column: 1 };
  });
  const unit = { name, text: content, enable, at, ...(unitFile === undefined ? {} : { file: unitFile }) };
  return { unit, problems };
}

async function missing(written: string, path: Path, { resolvePath, locate }: SoftwarePlaces): Promise<Problem[]> {
  const file = resolvePath(written, path);
  const status = await stat(file).catch(() => undefined);
  return status?.isFile() === true ? [] : [notFound(file, locate(path))];
}

function notFound(file: string, at: Written): Problem {
  const hint = 'Check the path; it begins at the file that names it.';
  return { code: 'software-file-not-found', message: `there is no file ${file}`, hint, ...at };
}
