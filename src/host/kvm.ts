import { access, constants, readFile } from 'node:fs/promises';

/** Through it a virtual machine runs on the host's own processor. */
export const KVM = '/dev/kvm';

/**
 * Whether we may open it and, on a PC, whether the processor says that it can do it: some virtual machines have the
 * device without, and a guest of theirs stands still for ever.
 */
export async function hasKvm(architecture: string): Promise<boolean> {
  const isOpen = await access(KVM, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!isOpen || architecture !== 'amd64') return isOpen;
  return virtualises(await readFile('/proc/cpuinfo', 'utf8').catch(() => ''));
}

/** Intel's and AMD's names of it, among the flags of /proc/cpuinfo. */
export function virtualises(cpuinfo: string): boolean {
  return /^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo);
}
