import type { CheckedArchive } from '../../formats/container-archive/read-archives.js';
import { checkImageArchive } from '../../formats/container-archive/read-archives.js';
import { loadSoftwareFile } from '../../config/software/software.js';
import type { Architecture } from '../../model/architecture.js';
import { BUNDLE_FOLDER, BUNDLE_PROGRAMS } from '../../model/container-engine.js';
import type { DebianTreeSpec } from '../../model/image-spec.js';
import { engineLayer, NO_ENGINE } from '../../model/image-spec.js';
import type { PinnedSoftware, Software } from '../../model/software.js';
import { mergedPath } from '../../model/software.js';
import type { Problem } from '../../errors.js';
import { describeProblem } from '../../errors.js';
import { fileSha256 } from '../../host/file-digest.js';
import type { Reporter } from '../../pipeline/reporter.js';
import { overlayConflicts, programProblems } from '../../sources/software/software-conflicts.js';

/** Where the device looks for container images that it has from the start. */
export const IMAGES_FOLDER = 'var/lib/reswarm/images';

/** A container image's archive, pinned, and its name on the device. */
export type PinnedArchive = CheckedArchive & { readonly name: string };

/** What goes into a root file system beside packages and layers, read and pinned. */
export type RootContent = { readonly images: readonly PinnedArchive[]; readonly software: readonly PinnedSoftware[] };

/** Reads and checks container images and software of a root, as far as that goes without its packages. */
export async function readContent(
  root: DebianTreeSpec,
  architecture: Architecture,
  softwareFiles: readonly string[],
): Promise<{ readonly content: RootContent; readonly problems: readonly Problem[] }> {
  const { engine, bundle, loadsDockerArchives } = engineLayer(root.layers);
  const folders = [...root.layers.flatMap(({ files }) => files ?? []), ...root.overlays];
  const checks = await Promise.all(
    root.containerImages.map((archive) =>
      checkImageArchive(archive, { architecture, needsManifest: loadsDockerArchives }),
    ),
  );
  const images = checks.flatMap(({ archive }) => archive ?? []).map(pinArchive);
  const read = await Promise.all(softwareFiles.map(loadSoftwareFile));
  const pinned = await Promise.all([...root.software, ...read.flatMap(({ software }) => software)].map(pinSoftware));
  const software = pinned.map((one) => one.software);
  return {
    content: { images, software },
    problems: [
      ...withoutEngine(engine, root.containerImages.length),
      ...checks.flatMap(({ problems }) => problems),
      ...read.flatMap(({ problems }) => problems),
      ...pinned.flatMap(({ problems }) => problems),
      ...twice(
        root.software,
        read.map((one) => one.software),
      ),
      ...(bundle === undefined ? [] : bundleConflicts(software)),
      ...(await overlayConflicts(software, folders)),
      ...(await programProblems(software, folders)),
    ],
  };
}

/** The rules of boards see it only where all of it stands in the board. */
function withoutEngine(engine: string, images: number): Problem[] {
  if (engine !== NO_ENGINE || images === 0) return [];
  return [
    {
      code: 'docker-images-without-engine',
      message: 'with the Docker source none, nothing on the device could load container images',
      hint: 'Choose another source, or leave the images out.',
    },
  ];
}

/** Says what is good to know of the archives and stops nothing. */
export function warnOfImages(images: readonly PinnedArchive[], reporter: Reporter): void {
  for (const { hint, ...warning } of images.flatMap(({ warnings }) => warnings)) {
    reporter.emit({ type: 'warning', text: describeProblem(warning), ...(hint === undefined ? {} : { hint }) });
  }
}

/** Two archives may be called the same on this machine: their digests tell them apart on the device. */
function pinArchive(archive: CheckedArchive): PinnedArchive {
  return { ...archive, name: `${archive.sha256.slice(0, 12)}.tar` };
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
function twice(own: readonly Software[], documents: readonly (readonly Software[])[]): Problem[] {
  const places = (software: Software) => [
    ...software.files.flatMap(({ to, unpack, at }) => (unpack === undefined ? [{ what: mergedPath(to), at }] : [])),
    ...software.units.map(({ name, at }) => ({ what: name, at })),
  ];
  const seen = new Set(own.flatMap(places).map(({ what }) => what));
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

function bundleConflicts(software: readonly PinnedSoftware[]): Problem[] {
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
