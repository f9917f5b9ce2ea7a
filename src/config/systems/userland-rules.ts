import type { Problem } from '../../errors.js';
import type { Userland } from '../../model/image-spec.js';
import type { FileChain } from '../file-chain.js';
import { isMap } from '../file-chain.js';
import type { SystemDefinition } from '../schemas/system-schema.js';

const DEBIAN: readonly Userland[] = ['debian'];
const SMALL: readonly Userland[] = ['busybox', 'workload'];

/** Keys that mean something to some userlands only. */
const USERLANDS_OF_KEY: Readonly<Partial<Record<keyof SystemDefinition, readonly Userland[]>>> = {
  layers: ['debian', 'busybox'],
  engine: DEBIAN,
  packages: DEBIAN,
  withoutPackages: DEBIAN,
  repositories: DEBIAN,
  capabilities: DEBIAN,
  containerImages: DEBIAN,
  software: DEBIAN,
  root: DEBIAN,
  filesystem: SMALL,
  compression: SMALL,
  sizeBudget: SMALL,
  ssh: ['busybox'],
  busybox: ['busybox'],
};

/**
 * A key that the system's userland does nothing with. Codes: `system-key-unfit`, and `missing-key` for a Debian or
 * BusyBox without layers.
 */
export function userlandProblems(
  definition: Pick<SystemDefinition, 'userland' | 'layers'>,
  chain: FileChain,
): Problem[] {
  const { userland, layers } = definition;
  const written = isMap(chain.value) ? chain.value : {};
  const unfit = Object.entries(USERLANDS_OF_KEY).filter(([key, fit]) => key in written && !fit.includes(userland));
  return [
    ...unfit.map(([key, fit]) => ({
      code: 'system-key-unfit',
      message: `"${key}" is for systems with the userland ${fit.join(' or ')}, and this one is made of ${userland}`,
      hint: 'Remove the key, or extend a system of that userland.',
      ...chain.locate([key]),
    })),
    ...(userland !== 'workload' && layers === undefined
      ? [{ code: 'missing-key', message: '"layers" is missing', hint: 'Name at least one layer.', ...chain.locate([]) }]
      : []),
  ];
}
