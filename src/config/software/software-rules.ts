import { destinationFault, mergedPath } from '../../model/software.js';
import { isUnitName } from '../../formats/unit-file.js';
import type { RuleProblem } from '../rule.js';
import type { SoftwareDefinition } from '../schemas/software-schema.js';
import type { Path } from '../yaml-source.js';

/** What holds between the keys of software, at `software` of a board or of a file of its own. */
export function checkSoftwareRules(software: readonly SoftwareDefinition[]): readonly RuleProblem[] {
  return [
    ...software.flatMap((one, index) => [
      ...isSomething(one, ['software', index]),
      ...one.files.flatMap((file, at) => fileProblems(file, ['software', index, 'files', at])),
      ...one.units.flatMap((unit, at) => unitProblems(unit, ['software', index, 'units', at])),
    ]),
    ...repeatedPlaces(software),
  ];
}

type File = SoftwareDefinition['files'][number];
type Unit = SoftwareDefinition['units'][number];

function isSomething({ name, files, units }: SoftwareDefinition, path: Path): RuleProblem[] {
  if (files.length + units.length > 0) return [];
  const message = `"${name}" has neither files nor units`;
  return [{ path, code: 'software-empty', message, hint: 'Add files, or remove it.' }];
}

function fileProblems(file: File, path: Path): RuleProblem[] {
  const problems: RuleProblem[] = [];
  if ((file.url === undefined) === (file.file === undefined)) {
    const message = file.url === undefined ? 'this file has no source' : 'this file has two sources';
    problems.push({ path, code: 'software-source', message, hint: 'Give either url or file.' });
  }
  if (file.url !== undefined && file.sha256 === undefined) {
    problems.push({
      path: [...path, 'url'],
      code: 'software-not-pinned',
      message: `nothing says what the bytes of ${file.url} must be`,
      hint: 'Add sha256: fetch it once, check it, and take the first word of `sha256sum FILE`.',
    });
  }
  const fault = destinationFault(file.to);
  const isFolder = !file.unpack && file.to.endsWith('/');
  if (fault !== undefined || isFolder) {
    problems.push({
      path: [...path, 'to'],
      code: 'software-destination',
      message: `"${file.to}" ${fault ?? 'is a folder; the name of the file belongs to it'}`,
      hint: 'For example /usr/local/bin/agent.',
    });
  }
  if (file.strip > 0 && !file.unpack) {
    const message = '"strip" is for archives that are unpacked';
    problems.push({ path: [...path, 'strip'], code: 'software-strip', message, hint: 'Add unpack: true.' });
  }
  return problems;
}

function unitProblems(unit: Unit, path: Path): RuleProblem[] {
  const problems: RuleProblem[] = [];
  if (!isUnitName(unit.name)) {
    problems.push({
      path: [...path, 'name'],
      code: 'software-unit-name',
      message: `"${unit.name}" is not the name of a unit`,
      hint: 'It ends in .service, .socket, .timer, .path, .mount, .target or .slice.',
    });
  }
  if ((unit.text === undefined) === (unit.file === undefined)) {
    const message = `${unit.name} has ${unit.text === undefined ? 'no text' : 'two texts'}`;
    problems.push({ path, code: 'software-source', message, hint: 'Give either text or file.' });
  }
  return problems;
}

function repeatedPlaces(software: readonly SoftwareDefinition[]): RuleProblem[] {
  const seen = new Map<string, string>();
  return software.flatMap(({ name, files, units }, index) => {
    const places = [
      ...files.flatMap(({ to, unpack }, at) =>
        unpack ? [] : [{ what: mergedPath(to), path: ['software', index, 'files', at, 'to'] as Path }],
      ),
      ...units.map((unit, at) => ({ what: unit.name, path: ['software', index, 'units', at, 'name'] as Path })),
    ];
    return places.flatMap(({ what, path }) => {
      const first = seen.get(what);
      seen.set(what, first ?? name);
      if (first === undefined) return [];
      const message = `${what} is there twice: "${first}" has it already`;
      return [{ path, code: 'software-twice', message, hint: 'Keep one of the two.' }];
    });
  });
}
