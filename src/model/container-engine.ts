/** Where a device's container engine comes from. Each has its packages in boards/packages/docker-<source>.yaml. */
export const DOCKER_SOURCES = ['debian', 'static', 'containerd', 'podman', 'none'] as const;

export type DockerSource = (typeof DOCKER_SOURCES)[number];

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

/** Folders below boards/docker/ whose files an image with this source gets; a later one wins. */
export const DOCKER_LAYERS: Readonly<Record<DockerSource, readonly string[]>> = {
  debian: ['engine', 'containerd-config', 'containerd-package', 'docker-package'],
  static: ['engine', 'containerd-config', 'static'],
  containerd: ['containerd-config', 'containerd-package'],
  podman: ['podman'],
  none: [],
};

/** The layer with the unit that loads container images at first boot. */
export const IMAGES_LAYER = 'images';
export const IMAGES_UNIT = 'reswarm-images.service';

/** Units that no package brings and therefore no package enables. */
export const STATIC_UNITS = ['containerd.service', 'docker.service', 'docker.socket'] as const;

/** Docker's name of an architecture, as it stands in the addresses of its downloads. */
export const DOCKER_ARCHITECTURES: Readonly<Record<string, string>> = { arm64: 'aarch64', amd64: 'x86_64' };
