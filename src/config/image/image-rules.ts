import type { Problem } from '../../errors.js';
import type { Layer } from '../../model/image-spec.js';
import { mergedPath, type Software } from '../../model/software.js';
import { kindOf } from '../present.js';
import type { Said } from '../said.js';
import type { ImageStatements } from '../statements/statements.js';

/** A bundle in files whose engine has none. Code: `docker-bundle-unused`. */
export function checkBundle({ bundle }: ImageStatements, engine: Said<string>, layers: readonly Layer[]): Problem[] {
  if (bundle === undefined || layers.some((layer) => layer.bundle !== undefined)) return [];
  return [
    {
      code: 'docker-bundle-unused',
      message: `a bundle is only used with docker.source static, and it is ${engine.value}`,
      hint: 'Set docker.source to static, or remove the bundle.',
      ...bundle.at,
    },
  ];
}

/** Container images and nothing to load them. Code: `docker-images-without-engine`. */
export function checkContainerImages(
  { containerImages }: ImageStatements,
  engine: Said<string>,
  layers: readonly Layer[],
): Problem[] {
  const [image] = containerImages;
  if (image === undefined || layers.some(({ features }) => features.includes('containers'))) return [];
  return [
    {
      code: 'docker-images-without-engine',
      message: `with the Docker source ${engine.value}, nothing on the device could load container images`,
      hint: 'Choose another source, or leave the images out.',
      ...image.at,
    },
  ];
}

/** Two engines would both want the same sockets and units. */
export function checkOneEngine(layers: readonly Layer[], listed: Said<string> | undefined): Problem[] {
  const engines = layers.filter(({ engine }) => engine !== undefined);
  if (engines.length < 2) return [];
  const names = engines.map(({ name }) => name).join(' and ');
  return [
    {
      code: 'layer-engine-twice',
      message: `the layers ${names} are container engines, and an image has one`,
      hint: 'Take engines out of "layers" and name one of them: "engine: podman", or docker.source of a board.',
      ...listed?.at,
    },
  ];
}

/** What cannot be left out: a layer's files, the build or the engine use it. Code: `package-required`. */
export function requiredPackages({ withoutPackages }: ImageStatements, layers: readonly Layer[]): Problem[] {
  return withoutPackages.flatMap(({ value, at }): Problem[] => {
    const layer = layers.find(({ required }) => value in required);
    const engine = layers.find(({ engine: name, packages }) => name !== undefined && packages.includes(value));
    if (layer === undefined && engine === undefined) return [];
    const message =
      layer === undefined
        ? `${value} cannot be left out: it is the container engine ${engine?.engine ?? ''}`
        : `${value} cannot be left out: ${layer.required[value] ?? ''}`;
    const hint = layer === undefined ? 'Choose another engine, or none.' : 'Take it out of withoutPackages.';
    return [{ code: 'package-required', message, hint, ...at }];
  });
}

/** Folders that are copied must be there. */
export async function missingFolders(folders: readonly Said<string>[]): Promise<Problem[]> {
  const kinds = await Promise.all(folders.map(({ value }) => kindOf(value)));
  return folders
    .filter((_, index) => kinds[index] !== 'folder')
    .map(({ value, at }) => ({
      code: 'overlay-not-found',
      message: `there is no overlay folder ${value}`,
      hint: 'Check the path; it begins at this file.',
      ...at,
    }));
}

/** Within one document the rules of software see it; between a system and a board, only here. */
export function softwareTwice(documents: readonly (readonly Software[])[]): Problem[] {
  const seen = new Set<string>();
  return documents.flatMap((document): Problem[] => {
    const here = document.flatMap((software) => [
      ...software.files.flatMap(({ to, unpack, at }) => (unpack === undefined ? [{ what: mergedPath(to), at }] : [])),
      ...software.units.map(({ name, at }) => ({ what: name, at })),
    ]);
    const taken = here.filter(({ what }) => seen.has(what));
    for (const { what } of here) seen.add(what);
    return taken.map(({ what, at }) => ({
      code: 'software-twice',
      message: `${what} is there twice: other software has it already`,
      hint: 'Keep one of the two.',
      ...at,
    }));
  });
}
