import { basename } from 'node:path';
import { UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { ImageDescription } from '../../images/image-description.js';
import { readDescription } from '../../images/image-file.js';
import { withMountedImage } from '../../images/mounted-image.js';
import { bootMountOf, reportKernel } from '../image-kernel.js';
import { buildComponents } from './build-components.js';
import type { BillOfMaterials, Component, Creator } from './component.js';
import { debianComponents } from './debian-components.js';

/** Licences of the packages in the image. */
export type LicenceCoverage = {
  readonly packages: number;
  /** Those with at least one licence as an SPDX id. */
  readonly withIds: number;
  /** Those of which every licence has an id. */
  readonly whole: number;
  /** Names without an id, and how many packages have them. */
  readonly names: Readonly<Record<string, number>>;
  /** Packages whose copyright file tells no licence by a name. */
  readonly unread: readonly string[];
};

/**
 * What an image is made of: installed packages by dpkg, kernel and boot files as they are in it, and what the build's
 * description beside it says of all else. Throws what withMountedImage throws, and UserError `sbom-empty`.
 */
export async function makeSbom(
  image: string,
  creator: Creator | undefined,
  toolVersion: string,
  host: Host,
): Promise<{ readonly bill: BillOfMaterials; readonly coverage: LicenceCoverage; readonly isDescribed: boolean }> {
  const description = await readDescription(image);
  const components = await componentsOf(image, description, host);
  if (components.length === 0) {
    throw new UserError('sbom-empty', `Nothing is known of what ${image} is made of`, {
      hints: ['It has no packages of dpkg, and no description (NAME.json) of reswarm-os beside it.'],
    });
  }
  const bill: BillOfMaterials = {
    name: description === undefined ? basename(image) : `reswarm-os-${description.board}`,
    version: description?.key.slice(0, 16) ?? 'unknown',
    architecture: description?.architecture ?? '',
    ...(description === undefined ? {} : { sha256: description.sha256 }),
    fileName: basename(image),
    timestamp: timeOf(description),
    toolVersion: description?.version ?? toolVersion,
    ...(creator === undefined ? {} : { creator }),
    components: unique(components),
  };
  return { bill, coverage: coverageOf(bill.components), isDescribed: description !== undefined };
}

async function componentsOf(
  image: string,
  description: ImageDescription | undefined,
  host: Host,
): Promise<readonly Component[]> {
  const digests = new Map(
    (description?.packages ?? []).map(({ name, version, architecture, sha256 }) => [
      `${name} ${version} ${architecture}`,
      sha256,
    ]),
  );
  return withMountedImage(image, host, async ({ files, volumes, disc }) => {
    const kernel = await reportKernel(files, bootMountOf(volumes) ?? disc?.mount, () => 0);
    const ofPackages = await debianComponents(files, (...of) => digests.get(of.join(' ')));
    const names = new Set(files.entries.map(({ path }) => basename(path)));
    const ofBuild = buildComponents(description, kernel).filter(
      ({ kind, id, name }) => kind !== 'firmware' || !id.startsWith('firmware:') || names.has(basename(name)),
    );
    return [...ofPackages, ...ofBuild];
  });
}

/** The image says when it was made; without a description nothing does, and a fixed time keeps equal bills equal. */
function timeOf(description: ImageDescription | undefined): string {
  const seconds = description?.sourceDateEpoch ?? 0;
  return new Date(seconds * 1000).toISOString().replace('.000', '');
}

function unique(components: readonly Component[]): readonly Component[] {
  const byId = new Map(components.map((one) => [one.id, one]));
  return [...byId.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function coverageOf(components: readonly Component[]): LicenceCoverage {
  const packages = components.filter(({ kind }) => kind === 'package');
  const names = new Map<string, number>();
  for (const name of packages.flatMap(({ licences }) => licences?.others ?? []))
    names.set(name, (names.get(name) ?? 0) + 1);
  return {
    packages: packages.length,
    withIds: packages.filter(({ licences }) => (licences?.spdx.length ?? 0) > 0).length,
    whole: packages.filter(({ licences }) => licences !== undefined && licences.others.length === 0).length,
    names: Object.fromEntries([...names].toSorted(([a, i], [b, j]) => j - i || (a < b ? -1 : 1))),
    unread: packages.filter(({ licences }) => licences === undefined).map(({ name }) => name),
  };
}
