/** Docker's own static programs, one archive for an architecture, pinned by digest because nobody signs it. */
export type DockerBundle = {
  readonly version: string;
  readonly url: string;
  /** Of the archive, hex. */
  readonly sha256: string;
};

/** What must lie in the bundle's folder `docker/`. */
export const BUNDLE_PROGRAMS = [
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
  'docker',
  'docker-init',
  'docker-proxy',
  'dockerd',
  'runc',
] as const;

/** Where they go: what no package installs must not lie where packages do. */
export const BUNDLE_FOLDER = 'usr/local/bin';

/** The layer with the unit that loads container images at first boot. */
export const IMAGES_LAYER = 'container-images';

/** Docker's name of an architecture, as it stands in the addresses of its downloads. */
export const DOCKER_ARCHITECTURES: Readonly<Record<string, string>> = { arm64: 'aarch64', amd64: 'x86_64' };

/** Where engines keep images and containers: file systems of their own, for they use overlays themselves. */
export const CONTAINER_DATA = ['var/lib/docker', 'var/lib/containerd', 'var/lib/containers'] as const;
