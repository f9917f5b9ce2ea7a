import type { Problem } from '../../errors.js';
import type { Layer, Userland } from '../../model/image-spec.js';
import { NO_ENGINE } from '../../model/image-spec.js';
import type { Written } from '../../model/software.js';
import type { ImageStatements } from '../statements/statements.js';

const MADE_OF = { busybox: 'BusyBox', workload: 'the files of one workload' } as const;

/**
 * What only Debian can have, asked for of a system without it: by a board, a layer or a flag; the system's own keys are
 * checked where it is read. Code: `userland-unfit`.
 *
 * @param statements of the board and the command line
 */
export function checkUserland(
  userland: Userland,
  statements: ImageStatements,
  layers: readonly Layer[],
): readonly Problem[] {
  if (userland === 'debian') return [];
  const { packages, capabilities, packageFiles, withoutPackages, repositories } = statements;
  const ofLayers = layers.some((one) => one.packages.length + one.units.length > 0);
  const nowhere = (isSaid: boolean): Written | undefined => (isSaid ? {} : undefined);
  const said: Readonly<Record<string, Written | undefined>> = {
    'Debian packages': packageFiles[0]?.at ?? withoutPackages[0]?.at ?? nowhere(packages.length > 0 || ofLayers),
    'repositories of packages': repositories[0]?.at,
    'file capabilities': nowhere(Object.keys(capabilities).length > 0),
    'a container engine': statements.engine?.value === NO_ENGINE ? undefined : statements.engine?.at,
    'container images': statements.containerImages[0]?.at ?? statements.bundle?.at,
    'a root that is found by an early user space': statements.root?.at,
    'software with systemd units': nowhere(statements.software.length > 0),
  };
  return Object.entries(said).flatMap(([what, at]) => {
    if (at === undefined) return [];
    const message = `this system is made of ${MADE_OF[userland]} and cannot have ${what}`;
    return [{ code: 'userland-unfit', message, hint: 'Leave it out, or choose a system of Debian.', ...at }];
  });
}
