/** A container image as an archive of `docker save`, `podman save` or an OCI layout describes it. */
export type ArchivedImage = {
  /** As they stand there: `app:1`, `registry.example.org/app:1`. */
  readonly tags: readonly string[];
  /** undefined: the configuration does not say. */
  readonly architecture: string | undefined;
  readonly os: string | undefined;
  /** Of the processor: `v7`. */
  readonly variant?: string | undefined;
};

export type ImageArchive = {
  /** `docker`: has a manifest.json, which every engine reads; `oci`: an OCI layout alone. */
  readonly format: 'docker' | 'oci';
  readonly images: readonly ArchivedImage[];
};

/** A path → its bytes; undefined for what is not there. `has`: it is there, whatever it holds. */
export type ArchiveFiles = {
  read(path: string): Buffer | undefined;
  has(path: string): boolean;
};

/** JSON that describes an image is never larger; layers are. */
export const DESCRIPTION_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * Whether a member of the archive may be one of the small files that describe images: the two lists by their names, all
 * others by how they begin. Each tool names configurations in its own way: `<hex>.json`, `blobs/sha256/<hex>`,
 * `sha256:<hex>` (crane, ko, kaniko).
 */
export function isDescription(path: string, sizeBytes: number, firstByte: number | undefined): boolean {
  const isList = path === 'manifest.json' || path === 'index.json';
  return (isList || firstByte === OPENING_BRACE) && sizeBytes <= DESCRIPTION_LIMIT_BYTES;
}

const OPENING_BRACE = 0x7b;

/** What the archive holds, or in words why it is none. */
export function readImageArchive(files: ArchiveFiles): ImageArchive | string {
  const manifest = files.read('manifest.json');
  if (manifest !== undefined) return readDockerManifest(manifest, files);
  const index = files.read('index.json');
  if (index !== undefined) return readOciIndex(index, files);
  return 'it has neither a manifest.json nor an index.json';
}

function readDockerManifest(bytes: Buffer, files: ArchiveFiles): ImageArchive | string {
  const entries = list(json(bytes));
  if (entries.length === 0) return 'its manifest.json names no image';
  const images: ArchivedImage[] = [];
  for (const entry of entries.map(record)) {
    const config = text(entry.Config);
    if (config === undefined) return 'its manifest.json names an image without a configuration';
    const missing = [config, ...strings(entry.Layers)].find((path) => !files.has(path));
    if (missing !== undefined) return `${missing}, which its manifest.json names, is not in it`;
    images.push({ tags: strings(entry.RepoTags), ...platformOf(files.read(config)) });
  }
  return { format: 'docker', images };
}

function readOciIndex(bytes: Buffer, files: ArchiveFiles): ImageArchive | string {
  const manifests = list(record(json(bytes)).manifests).map(record);
  if (manifests.length === 0) return 'its index.json names no image';
  const images: ArchivedImage[] = [];
  for (const entry of manifests) {
    const found = readOciManifest(entry, files, 0);
    if (typeof found === 'string') return found;
    images.push(...found.map((platform) => ({ tags: ociTags(record(entry.annotations)), ...platform })));
  }
  return { format: 'oci', images };
}

type Platform = Pick<ArchivedImage, 'architecture' | 'os' | 'variant'>;

/** One image, or each of those that an index of several platforms names. */
function readOciManifest(entry: Fields, files: ArchiveFiles, depth: number): readonly Platform[] | string {
  const path = blobPath(text(entry.digest));
  if (path === undefined || !files.has(path)) return `the blob ${text(entry.digest) ?? ''} that it names is not in it`;
  const manifest = record(json(files.read(path)));
  const nested = list(manifest.manifests).map(record);
  if (nested.length > 0 && depth < 2) {
    // Archives of one platform often keep the index of all of them; attestations are no images.
    const present = nested.filter(
      (one) => files.has(blobPath(text(one.digest)) ?? '') && record(one.platform).architecture !== 'unknown',
    );
    if (present.length === 0) return 'it holds none of the images that its index names';
    const platforms: Platform[] = [];
    for (const one of present) {
      const found = readOciManifest(one, files, depth + 1);
      if (typeof found === 'string') return found;
      platforms.push(...found);
    }
    return platforms;
  }
  const parts = [record(manifest.config), ...list(manifest.layers).map(record)].map((part) => text(part.digest));
  const missing = parts.find((digest) => !files.has(blobPath(digest) ?? ''));
  if (parts.includes(undefined) || missing !== undefined) return `the blob ${missing ?? ''} that it names is not in it`;
  return [platformOf(files.read(blobPath(parts[0]) ?? ''))];
}

/** containerd's full name before the bare tag that OCI has. */
function ociTags(annotations: Fields): readonly string[] {
  const name = text(annotations['io.containerd.image.name']) ?? text(annotations['org.opencontainers.image.ref.name']);
  return name === undefined ? [] : [name];
}

function platformOf(config: Buffer | undefined): Platform {
  const { architecture, os, variant } = record(json(config));
  return { architecture: text(architecture), os: text(os), variant: text(variant) };
}

function blobPath(digest: string | undefined): string | undefined {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest ?? '')?.[1];
  return hex === undefined ? undefined : `blobs/sha256/${hex}`;
}

type Fields = Readonly<Record<string, unknown>>;

function json(bytes: Buffer | undefined): unknown {
  try {
    return JSON.parse(bytes?.toString('utf8') ?? 'null');
  } catch {
    return undefined;
  }
}

function record(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function strings(value: unknown): readonly string[] {
  return list(value).filter((item): item is string => typeof item === 'string');
}
