import type { Problem } from '../../errors.js';
import type { BuildOptions } from '../build-options.js';

/** Flags that only a root of Debian packages can obey. Code: `userland-unfit`. */
export function refuseDebianOptions({ software, workload, kernelFlavour }: BuildOptions): readonly Problem[] {
  const refused = [
    ...((software ?? []).length > 0 ? ['--software'] : []),
    ...(kernelFlavour === undefined ? [] : ['--kernel-flavour']),
  ];
  return refused.map((flag) => ({
    code: 'userland-unfit',
    message: `${flag} is for systems of Debian`,
    hint: workload === undefined ? 'Leave it out, or choose the system debian.' : 'Put it into the workload instead.',
  }));
}
