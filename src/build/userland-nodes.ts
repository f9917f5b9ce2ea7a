import { STATIC_PACKAGES } from './small/musl-node.js';
import { busyboxUserland } from './busybox/busybox-userland.js';
import type { BuildRequest } from './build-request.js';
import { debianUserland } from './debian/debian-userland.js';
import type { PackageRequest } from './debian-nodes.js';
import type { UserlandNodes, UserlandParts } from './userland.js';
import { earlyUserSpaceOf } from './early-user-space-node.js';
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
export function userlandPackages(request: BuildRequest): Omit<PackageRequest, 'board'> {
  const { userland, spec } = request;
  const { suite } = userland.root;
  if (userland.from !== 'debian') return { suite, packages: [], fetched: STATIC_PACKAGES };
  const { packages, packageFiles, repositories, root } = userland;
  const early = earlyUserSpaceOf(request) === undefined ? [] : STATIC_PACKAGES;
  const fetched = [...spec.board.wireless.map((one) => one.package), ...early];
  return { suite, packages, fetched, without: root.withoutPackages, packageFiles, repositories };
}
