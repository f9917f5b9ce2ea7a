import { STATIC_PACKAGES } from './small/musl-node.js';
import { flavourPackages } from '../sources/kernel/kernel-flavour.js';
import { layerRequests } from './chain/layer-requests.js';
import { layeredUserland } from './chain/layered-userland.js';
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
  const { root } = request.spec;
  switch (userland.from) {
    case 'debian':
      return root.kind === 'layers'
        ? layeredUserland(request, userland, root, parts)
        : debianUserland(request, userland, parts);
    case 'busybox':
      return busyboxUserland(request, userland, parts);
    case 'workload':
      return workloadUserland(request, userland, parts);
  }
}

/** What the root takes from the Debian archive. */
export async function userlandPackages(request: BuildRequest): Promise<Omit<PackageRequest, 'board'>> {
  const { userland, spec } = request;
  const { suite } = userland.root;
  if (userland.from !== 'debian') return { suite, packages: [], fetched: STATIC_PACKAGES };
  const { packages, packageFiles, repositories, root } = userland;
  const early = earlyUserSpaceOf(request) === undefined ? [] : STATIC_PACKAGES;
  const fetched = [...spec.board.wireless.map((one) => one.package), ...early];
  const wanted = { suite, packages, fetched, without: root.withoutPackages, packageFiles, repositories };
  if (spec.root.kind !== 'layers') return wanted;
  const requests = await layerRequests(spec.root, userland, flavourPackages(spec.board));
  const layers = requests.map((one) => ({ name: one.name, packages: one.words, packageFiles: one.packageFiles }));
  return { ...wanted, layers };
}
