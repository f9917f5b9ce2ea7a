/** Debian's packages of kernel sources: linux-source-6.12. */
export function isKernelSource(name: string): boolean {
  return /^linux-source-\d/.test(name);
}
