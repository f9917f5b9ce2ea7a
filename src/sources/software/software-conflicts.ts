import { basename, join } from 'node:path';
import { pathExists } from '../../host/path-exists.js';
import type { PinnedSoftware, SoftwareUnit } from '../../model/software.js';
import { mergedPath } from '../../model/software.js';
import { unitPrograms } from '../../formats/unit-file.js';
import type { Problem } from '../../errors.js';

const UNIT_FOLDERS = ['usr/lib/systemd/system', 'etc/systemd/system'];

/** `software-path-taken` and `software-unit-taken`. @param owners path → package, as dpkg has it */
export function packageConflicts(
  software: readonly PinnedSoftware[],
  owners: ReadonlyMap<string, string>,
): readonly Problem[] {
  return software.flatMap(({ files, units }) => [
    ...files.flatMap(({ to, at, unpack }): Problem[] => {
      const owner = owners.get(mergedPath(to));
      if (owner === undefined || unpack !== undefined) return [];
      const message = `${to} belongs to the package ${owner}, whose next update would undo it`;
      const hint = `Put it elsewhere: /usr/local/bin/${basename(to)}.`;
      return [{ code: 'software-path-taken', message, hint, ...at }];
    }),
    ...units.flatMap((unit): Problem[] => {
      const owner = UNIT_FOLDERS.map((folder) => owners.get(`/${folder}/${unit.name}`)).find(
        (one) => one !== undefined,
      );
      return owner === undefined ? [] : [unitTaken(unit, `The package ${owner}`)];
    }),
  ]);
}

/** `software-unit-taken`: of a unit that one of the folders has which are copied over the root file system. */
export async function overlayConflicts(
  software: readonly PinnedSoftware[],
  overlays: readonly string[],
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const unit of software.flatMap(({ units }) => units)) {
    for (const overlay of overlays) {
      const found = await Promise.all(UNIT_FOLDERS.map((folder) => pathExists(join(overlay, folder, unit.name))));
      if (found.includes(true)) problems.push(unitTaken(unit, `The overlay ${basename(overlay)}`));
    }
  }
  return problems;
}

/**
 * What is wrong between units and files. Codes: `software-program-missing` for a program below /usr/local or /opt,
 * where no package puts one, that neither files nor `overlays` bring; `software-not-executable`.
 */
export async function programProblems(
  software: readonly PinnedSoftware[],
  overlays: readonly string[],
): Promise<readonly Problem[]> {
  const files = software.flatMap((one) => one.files);
  const problems: Problem[] = [];
  for (const { name, text, at, file } of software.flatMap(({ units }) => units)) {
    for (const { program, line } of unitPrograms(text)) {
      const path = mergedPath(program);
      const own = files.find(({ to, unpack }) => unpack === undefined && mergedPath(to) === path);
      if (own !== undefined && (own.mode & 0o111) === 0) {
        const message = `${name} starts ${program}, whose mode is ${own.mode.toString(8).padStart(4, '0')}`;
        problems.push({ code: 'software-not-executable', message, hint: 'Give it mode: "0755".', ...own.at });
      }
      if (own !== undefined || !/^\/(usr\/local|opt)\//.test(path) || isUnpacked(path, files)) continue;
      const brought = await Promise.all(overlays.map((overlay) => pathExists(join(overlay, path))));
      if (brought.includes(true)) continue;
      const message = `${name} starts ${program}, which nothing brings`;
      const hint = 'Add it to files, or correct the path.';
      const where = file === undefined ? at : { file, line, column: 1 };
      problems.push({ code: 'software-program-missing', message, hint, ...where });
    }
  }
  return problems;
}

/** An archive may bring it: what is in it is seen when it is unpacked. */
function isUnpacked(path: string, files: readonly PinnedSoftware['files'][number][]): boolean {
  return files.some(({ to, unpack }) => unpack !== undefined && path.startsWith(`${mergedPath(to)}/`));
}

function unitTaken({ name, at }: SoftwareUnit, owner: string): Problem {
  const hint = `Give yours another name; to change that one, put a file into ${name}.d with an overlay.`;
  return { code: 'software-unit-taken', message: `${owner} has a unit ${name} already`, hint, ...at };
}
