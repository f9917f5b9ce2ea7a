import { join } from 'node:path';
import type { CheckedArchive } from '../formats/container-archive/read-archives.js';
import { checkImageArchive } from '../formats/container-archive/read-archives.js';
import { loadSoftwareFile } from '../config/software/software.js';
import { didYouMean } from '../config/wording.js';
import type { Board } from '../model/board.js';
import type { DockerSource } from '../model/container-engine.js';
import {
  BUNDLE_FOLDER,
  BUNDLE_PROGRAMS,
  DOCKER_LAYERS,
  DOCKER_SOURCES,
  IMAGES_LAYER,
} from '../model/container-engine.js';
import type { PinnedSoftware, Software } from '../model/software.js';
import { mergedPath } from '../model/software.js';
import type { Problem } from '../errors.js';
import { fileSha256 } from '../host/file-digest.js';
import { overlayConflicts, programProblems } from '../sources/software/software-conflicts.js';

/** What the command line says of containers and software, with absolute paths. */
export type ContentOptions = {
  readonly docker?: string | undefined;
  readonly dockerImages: readonly string[];
  readonly softwareFiles: readonly string[];
};

/** A container image's archive, pinned, and its name on the device. */
export type PinnedArchive = CheckedArchive & { readonly sha256: string; readonly name: string };

/** What goes into a device's root file system beside Debian. */
export type DeviceContent = {
  readonly board: Board;
  readonly images: readonly PinnedArchive[];
  readonly software: readonly PinnedSoftware[];
  /** Folders with the files of the container engine, in the order in which they are copied. */
  readonly engineLayers: readonly string[];
  /** The folder with the unit that loads `images`; none where there are none. */
  readonly imageLayers: readonly string[];
};

export type ContentRead = { readonly content: DeviceContent; readonly problems: readonly Problem[] };

/** The board with what was asked for on the command line, everything read and pinned as far as that goes here. */
export async function readContent(
  board: Board,
  options: ContentOptions,
  places: { readonly boardsDir: string; readonly overlays: readonly string[] },
): Promise<ContentRead> {
  const { source, problems: ofSource } = chooseSource(board, options.docker);
  const chosen = { ...board, docker: { ...board.docker, source } };
  const archives = [...board.docker.images, ...options.dockerImages.map((path) => ({ path, at: {} }))];
  const folder = (layer: string): string => join(places.boardsDir, 'docker', layer);
  const engineLayers = DOCKER_LAYERS[source].map(folder);
  const imageLayers = archives.length > 0 ? [folder(IMAGES_LAYER)] : [];
  const overlays = [...engineLayers, ...imageLayers, ...places.overlays];

  const checks = await Promise.all(
    archives.map((archive) =>
      checkImageArchive(archive, {
        architecture: board.architecture,
        needsManifest: source === 'debian' || source === 'static',
      }),
    ),
  );
  const images = await Promise.all(checks.flatMap(({ archive }) => archive ?? []).map(pinArchive));
  const read = await Promise.all(options.softwareFiles.map(loadSoftwareFile));
  const pinned = await Promise.all([...board.software, ...read.flatMap(({ software }) => software)].map(pinSoftware));
  const software = pinned.map((one) => one.software);
  return {
    content: { board: chosen, images, software, engineLayers, imageLayers },
    problems: [
      ...ofSource,
      ...withoutEngine(source, archives.length),
      ...checks.flatMap(({ problems }) => problems),
      ...read.flatMap(({ problems }) => problems),
      ...pinned.flatMap(({ problems }) => problems),
      ...twice(
        board,
        read.map((one) => one.software),
      ),
      ...bundleConflicts(source, software),
      ...(await overlayConflicts(software, overlays)),
      ...(await programProblems(software, overlays)),
    ],
  };
}

function chooseSource(
  { docker }: Board,
  wanted: string | undefined,
): { readonly source: DockerSource; readonly problems: readonly Problem[] } {
  if (wanted === undefined) return { source: docker.source, problems: [] };
  const known = DOCKER_SOURCES.find((source) => source === wanted);
  if (known !== undefined) return { source: known, problems: [] };
  const meant = didYouMean(wanted, DOCKER_SOURCES);
  const sources = `Known: ${DOCKER_SOURCES.join(', ')}.`;
  return {
    source: docker.source,
    problems: [
      {
        code: 'unknown-docker-source',
        message: `there is no Docker source "${wanted}"`,
        hint: meant?.startsWith('Did') === true ? `${meant} ${sources}` : sources,
      },
    ],
  };
}

/** The rules of boards see it only where all of it stands in the board. */
function withoutEngine(source: DockerSource, images: number): Problem[] {
  if (source !== 'none' || images === 0) return [];
  return [
    {
      code: 'docker-images-without-engine',
      message: 'with the Docker source none, nothing on the device could load container images',
      hint: 'Choose another source, or leave the images out.',
    },
  ];
}

/** Two archives may be called the same on this machine: their digests tell them apart on the device. */
async function pinArchive(archive: CheckedArchive): Promise<PinnedArchive> {
  const sha256 = await fileSha256(archive.path);
  return { ...archive, sha256, name: `${sha256.slice(0, 12)}.tar` };
}

async function pinSoftware(
  software: Software,
): Promise<{ readonly software: PinnedSoftware; readonly problems: readonly Problem[] }> {
  const problems: Problem[] = [];
  const files = [];
  for (const file of software.files) {
    if ('url' in file.source) {
      files.push({ ...file, sha256: file.sha256 ?? '' });
      continue;
    }
    // Not there: that has been said already.
    const sha256 = await fileSha256(file.source.path).catch(() => undefined);
    if (sha256 !== undefined && file.sha256 !== undefined && sha256 !== file.sha256) {
      problems.push({
        code: 'digest-mismatch',
        message: `${file.source.path} has the sha256 ${sha256}, not ${file.sha256}`,
        hint: 'Look why it changed; then correct sha256, or leave it out.',
        ...file.at,
      });
    }
    files.push({ ...file, sha256: sha256 ?? file.sha256 ?? '' });
  }
  return { software: { ...software, files }, problems };
}

/** Within one document the rules see it; between two, only here. */
function twice(board: Board, documents: readonly (readonly Software[])[]): Problem[] {
  const places = (software: Software) => [
    ...software.files.flatMap(({ to, unpack, at }) => (unpack === undefined ? [{ what: mergedPath(to), at }] : [])),
    ...software.units.map(({ name, at }) => ({ what: name, at })),
  ];
  const seen = new Set(board.software.flatMap(places).map(({ what }) => what));
  return documents.flatMap((document): Problem[] => {
    const here = document.flatMap(places);
    const taken = here.filter(({ what }) => seen.has(what));
    for (const { what } of here) seen.add(what);
    return taken.map(({ what, at }) => {
      const message = `${what} is there twice: other software has it already`;
      return { code: 'software-twice', message, hint: 'Keep one of the two.', ...at };
    });
  });
}

function bundleConflicts(source: DockerSource, software: readonly PinnedSoftware[]): Problem[] {
  if (source !== 'static') return [];
  const programs = new Set<string>(BUNDLE_PROGRAMS.map((program) => `/${BUNDLE_FOLDER}/${program}`));
  return software
    .flatMap(({ files }) => files)
    .filter(({ to }) => programs.has(to))
    .map(({ to, at }) => ({
      code: 'software-path-taken',
      message: `${to} belongs to Docker's static programs`,
      hint: 'Put it elsewhere, or choose another Docker source.',
      ...at,
    }));
}
