import { STATIC_PACKAGES } from './small/musl-node.js';
import { busyboxUserland } from './busybox/busybox-userland.js';
import type { BuildRequest } from './build-request.js';
import { debianUserland } from './debian/debian-userland.js';
import type { PackageRequest } from './debian-nodes.js';
import type { UserlandNodes, UserlandParts } from './userland.js';
import { workloadUserland } from './workload/workload-userland.js';

/** The root that a request asks for, as nodes. */
export async function userlandNodes(request: BuildRequest, parts: UserlandParts): Promise<UserlandNodes> {
  const { userland } = request;
  switch (userland.from) {
    case 'debian':
      return debianUserland(request, userland, parts);
    case 'busybox':
      return busyboxUserland(request, userland, parts);
    case 'workload':
      return workloadUserland(request, userland, parts);
  }
}

/** What the root takes from the Debian archive. */
export function userlandPackages({ userland, spec }: BuildRequest): Omit<PackageRequest, 'board'> {
  const { suite } = userland.root;
  if (userland.from !== 'debian') return { suite, packages: [], fetched: STATIC_PACKAGES };
  const { packages, packageFiles, repositories, root } = userland;
  const fetched = spec.board.wireless.map((one) => one.package);
  return { suite, packages, fetched, without: root.withoutPackages, packageFiles, repositories };
}
