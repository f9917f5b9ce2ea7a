import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ArchivedImage, ImageArchive } from './image-archive.js';
import { isDescription, readImageArchive } from './image-archive.js';
import type { Problem } from '../../errors.js';
import type { TarFault } from './tar-members.js';
import { readTarMembers } from './tar-members.js';

/** A file that a person names, and where they did; nothing of it on the command line. */
export type NamedFile = { readonly path: string; readonly at: Place };

/** For a Problem: which place it is about. */
export type Place = Pick<Problem, 'file' | 'line' | 'column'>;

/** A container image that goes into an image of ours. */
export type CheckedArchive = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly tags: readonly string[];
  /** Of the file. */
  readonly sha256: string;
  /** What is good to know and stops nothing: `docker-image-32-bit`. */
  readonly warnings: readonly Problem[];
};

export type ArchiveCheck =
  | { readonly archive: CheckedArchive; readonly problems: readonly [] }
  | { readonly archive?: undefined; readonly problems: readonly Problem[] };

/**
 * Whether a file is what `docker save` writes, for this architecture, with a name to run it by. `needsManifest`: the
 * engine that will load it cannot read a bare OCI layout (Docker with overlay2: daemon/internal/image/tarexport).
 * A 32-bit image is taken where the board's kernel runs it, with a warning. Codes: `docker-image-not-found`, `-unreadable`, `-compressed`, `-truncated`, `-invalid`, `-format`, `-architecture`,
 * `-untagged`.
 */
export async function checkImageArchive(
  { path, at }: NamedFile,
  wants: { readonly architecture: string; readonly needsManifest: boolean },
): Promise<ArchiveCheck> {
  const refuse = (code: string, message: string, hint: string): ArchiveCheck => ({
    problems: [{ code, message, hint, ...at }],
  });
  const status = await stat(path).catch((error: unknown) => error as NodeJS.ErrnoException);
  if (status instanceof Error) {
    if (status.code !== 'ENOENT' && status.code !== 'ENOTDIR') {
      return refuse('docker-image-unreadable', `${path} cannot be read: ${status.message}`, 'Check its permissions.');
    }
    const hint = at.file === undefined ? 'Check the path.' : 'Check the path; it begins at this file.';
    return refuse('docker-image-not-found', `there is no container image ${path}`, hint);
  }
  if (!status.isFile()) {
    return refuse('docker-image-invalid', `${path} is not a file`, `${SAVE} Folders are not read.`);
  }

  const contents = await readTarMembers(path, isDescription).catch((error: unknown) => error as Error);
  if (contents instanceof Error) {
    if ((contents as NodeJS.ErrnoException).code === undefined) throw contents;
    return refuse('docker-image-unreadable', `${path} cannot be read: ${contents.message}`, 'Check its permissions.');
  }
  if ('fault' in contents) return refuse(...faultOf(contents, path));
  const { members, sha256 } = contents;
  const archive = readImageArchive({ read: (name) => members.get(name)?.data, has: (name) => members.has(name) });
  if (typeof archive === 'string') {
    return refuse('docker-image-invalid', `${path} is no archive of a container image: ${archive}`, SAVE);
  }
  if (wants.needsManifest && archive.format === 'oci') {
    return refuse(
      'docker-image-format',
      `${path} is an OCI layout without a manifest.json, which Docker does not load`,
      'Save it with `docker save` or `podman save --format docker-archive`.',
    );
  }
  const wrong = archive.images.filter((image) => !fits(image, wants.architecture));
  if (wrong.length === archive.images.length || (wrong.length > 0 && archive.format === 'docker')) {
    const found = [...new Set(wrong.map(platformOf))];
    return refuse(
      'docker-image-architecture',
      `${path} holds ${wrong[0]?.tags[0] ?? 'an image'} for ${found.join(', ')}; the board is linux/${wants.architecture}`,
      `Fetch it with \`docker pull --platform linux/${wants.architecture} NAME\`, then save it again.`,
    );
  }
  const untagged = archive.images.find((image) => image.tags.length === 0);
  if (untagged !== undefined) {
    return refuse(
      'docker-image-untagged',
      `${path} holds an image without a name, which nobody could run by it`,
      'Save it by its name, not by its id: `docker save --output app.tar app:1`.',
    );
  }
  const tags = [...new Set(archive.images.flatMap((image) => image.tags))];
  const warnings = narrowImages(archive, wants.architecture).map((platform) => ({
    code: 'docker-image-32-bit',
    message: `${path} holds an image for ${platform}; it runs on the board's linux/${wants.architecture}, as 32-bit programs`,
    hint: `\`docker pull --platform linux/${wants.architecture} NAME\` gets the one for the board, if there is one.`,
    ...at,
  }));
  return { archive: { path, sizeBytes: status.size, tags, sha256, warnings }, problems: [] };
}

const SAVE = 'Make it with `docker save --output app.tar app:1`, gzipped or not.';

/** 32-bit programs that the boards' kernels run (CONFIG_COMPAT, CONFIG_IA32_EMULATION). */
const ALSO_RUNS: Readonly<Record<string, string>> = { arm64: 'arm', amd64: '386' };

function fits(image: ArchivedImage, architecture: string): boolean {
  const runs = [architecture, ALSO_RUNS[architecture]];
  return image.architecture !== undefined && runs.includes(image.architecture) && image.os === 'linux';
}

/** Platforms of images of which the archive has no other one for the board. */
function narrowImages({ format, images }: ImageArchive, architecture: string): readonly string[] {
  const narrow = images.filter((image) => fits(image, architecture) && image.architecture !== architecture);
  // Of an index of several platforms the engine takes the board's own.
  const hasOwn = format === 'oci' && images.some((image) => image.architecture === architecture);
  return hasOwn ? [] : [...new Set(narrow.map(platformOf))];
}

function platformOf({ os, architecture, variant }: ArchivedImage): string {
  return [os ?? 'unknown', architecture ?? 'unknown', ...(variant === undefined ? [] : [variant])].join('/');
}

function faultOf({ fault, detail }: TarFault, path: string): [code: string, message: string, hint: string] {
  switch (fault) {
    case 'compressed':
      return [
        'docker-image-compressed',
        `${basename(path)} is compressed with ${detail}; plain archives and gzip are read`,
        detail === 'zstd' ? `Unpack it: zstd -d ${basename(path)}` : `Unpack it first, with ${detail} -d.`,
      ];
    case 'truncated':
      return ['docker-image-truncated', `${path} is cut off: ${detail}`, 'Copy or save it again.'];
    case 'not-a-tar':
      return ['docker-image-invalid', `${path} is no tar archive: ${detail}`, SAVE];
  }
}
