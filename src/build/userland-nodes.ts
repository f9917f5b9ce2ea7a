import { debianUserland } from './debian/debian-userland.js';
import type { BuildRequest } from './build-request.js';
import type { PackageRequest } from './debian-nodes.js';
import type { UserlandNodes, UserlandParts } from './userland.js';

/** The root that a request asks for, as nodes. */
export function userlandNodes(request: BuildRequest, parts: UserlandParts): UserlandNodes {
  const { userland } = request;
  switch (userland.from) {
    case 'debian':
      return debianUserland(request, userland, parts);
    case 'busybox':
    case 'workload':
      throw new TypeError(`${userland.from} is not wired yet`);
  }
}

/** What the root takes from the Debian archive. */
export function userlandPackages({ userland, spec }: BuildRequest): Omit<PackageRequest, 'board'> {
  const { suite } = userland.root;
  if (userland.from !== 'debian') return { suite, packages: [], fetched: [] };
  const { packages, packageFiles, repositories, root } = userland;
  const fetched = spec.board.wireless.map((one) => one.package);
  return { suite, packages, fetched, without: root.withoutPackages, packageFiles, repositories };
}
