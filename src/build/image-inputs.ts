import { basename } from 'node:path';
import type { ImageInput } from '../images/image-description.js';
import type { Board } from '../model/board.js';
import { DEBIANS_KERNEL, kernelTarball } from '../model/board.js';
import type { Json } from '../model/json.js';
import { canonicalJson } from '../model/json.js';
import type { PackageLock } from '../sources/debian/packages.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { BuildRequest } from './build-request.js';
import { sha256 } from '../model/sha256.js';

/** Everything that went into a build, with version and digest; not the packages that are installed, and not the seed. */
export function imageInputs(request: BuildRequest, lock: PackageLock, tools: ToolsTree): readonly ImageInput[] {
  const { firmware } = request;
  const { board } = request.spec;
  const tarball = kernelTarball(board.kernel);
  return [
    { kind: 'board', name: board.id, sha256: sha256(boardText(board)) },
    ...(firmware?.files ?? []).map(({ path, sha256: digest, sizeBytes }): ImageInput => {
      return { kind: 'firmware', name: path, ...versionOf(firmware), sha256: digest, sizeBytes };
    }),
    ...lock.fetched.map(({ name, version, sha256: digest, sizeBytes }): ImageInput => {
      return { kind: 'source-package', name, version, sha256: digest, sizeBytes };
    }),
    ...(tarball === undefined ? [] : [download(tarball.url, tarball.sha256)]),
    ...debianInputs(request.userland),
    ...(board.kernel.source === DEBIANS_KERNEL ? [] : request.fragments).map(({ file, text }) =>
      textInput('kernel-fragment', file, text),
    ),
    ...request.patches.map(({ file, text }) => textInput('kernel-patch', file, text)),
    ...request.deviceTreeOverlays.map(({ file, text }) => textInput('device-tree-overlay', file, text)),
    ...request.userland.folders.map(({ path, digest }): ImageInput => {
      return { kind: 'overlay', name: basename(path), sha256: digest };
    }),
    ...Object.entries(tools.versions).map(([name, version]): ImageInput => ({ kind: 'tool', name, version })),
  ];
}

function debianInputs(userland: BuildRequest['userland']): readonly ImageInput[] {
  if (userland.from !== 'debian') return [];
  const { dockerBundle, images, software } = userland;
  return [
    ...(dockerBundle === undefined ? [] : [download(dockerBundle.url, dockerBundle.sha256, dockerBundle.version)]),
    ...images.map(({ name, sha256: digest, sizeBytes }): ImageInput => {
      return { kind: 'container-image', name, sha256: digest, sizeBytes };
    }),
    ...software.flatMap(({ name, files }) =>
      files.map((file): ImageInput => ({ kind: 'software', name: `${name}: ${file.to}`, sha256: file.sha256 })),
    ),
  ];
}

function textInput(kind: ImageInput['kind'], file: string, text: string): ImageInput {
  return { kind, name: basename(file), sha256: sha256(text) };
}

/** A URL may carry a token: only its last part gets into the description. */
function download(url: string, digest: string, version?: string): ImageInput {
  const name = basename(new URL(url).pathname);
  return { kind: 'download', name, ...(version === undefined ? {} : { version }), sha256: digest };
}

function versionOf(entry: { readonly version: string } | undefined): { readonly version?: string } {
  return entry === undefined ? {} : { version: entry.version };
}

/** A board's definition without the places on this machine where its files lie: those are inputs of their own. */
function boardText(board: Board): string {
  const isPlace = (value: unknown): boolean => typeof value === 'string' && value.startsWith('/');
  const text = JSON.stringify(board, (_, value: unknown) => (isPlace(value) ? undefined : value));
  return canonicalJson(JSON.parse(text) as Json);
}
