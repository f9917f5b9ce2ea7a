import { access, constants } from 'node:fs/promises';

/** Through it a virtual machine runs on the host's own processor. */
export const KVM = '/dev/kvm';

/** Whether we may open it. That it works shows only when it is used. */
export async function hasKvm(): Promise<boolean> {
  return access(KVM, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}
