import { readFile } from 'node:fs/promises';
import { UserError } from '../../errors.js';
import { parseOsRelease } from '../../formats/dpkg-status.js';
import type { Host } from '../../host/host.js';
import { withMountedImage } from '../../images/mounted-image.js';
import { makeSbom } from '../sbom/make-sbom.js';
import type { VexStatement } from './openvex.js';
import { silencedBy } from './openvex.js';
import type { Tracker, Vulnerability } from './tracker.js';
import { findVulnerabilities } from './tracker.js';

export type CveCheck = {
  /** Debian's code name. */
  readonly release: string;
  readonly sources: number;
  /** To look at: open, fixable or undetermined, and no statement says that nothing is to be done. */
  readonly reported: readonly Vulnerability[];
  /** A VEX statement says that nothing is to be done. */
  readonly silenced: readonly Vulnerability[];
  /** Debian does not count them for this release. */
  readonly passedOver: readonly Vulnerability[];
};

type Source = { readonly name: string; readonly version: string };

/**
 * Holds the source packages of an image, or of an SBOM of it, against the tracker's data. Throws what makeSbom throws,
 * UserError `sbom-unreadable` and `tracker-release-unknown`.
 *
 * @param codename instead of what the image says of itself
 */
export async function checkCves(
  path: string,
  tracker: Tracker,
  { vex, codename }: { readonly vex: readonly VexStatement[]; readonly codename: string | undefined },
  host: Host,
): Promise<CveCheck> {
  const document = path.endsWith('.json') ? await sourcesOfDocument(path) : undefined;
  const sources = document ?? (await sourcesOfImage(path, host));
  const release = codename ?? (document === undefined ? await releaseOf(path, host) : 'trixie');
  const isKnown = Object.values(tracker).some((all) => Object.values(all).some(({ releases }) => release in releases));
  if (!isKnown) {
    throw new UserError('tracker-release-unknown', `The tracker's data says nothing of the release "${release}"`, {
      hints: ["Name Debian's release with --release, for example trixie."],
    });
  }
  const found = findVulnerabilities(sources, tracker, release);
  const counted = found.filter(({ state }) => state !== 'ignored' && state !== 'unimportant');
  return {
    release,
    sources: sources.length,
    reported: counted.filter((one) => silencedBy(one, vex) === undefined),
    silenced: counted.filter((one) => silencedBy(one, vex) !== undefined),
    passedOver: found.filter((one) => !counted.includes(one)),
  };
}

async function sourcesOfImage(path: string, host: Host): Promise<readonly Source[]> {
  const { bill } = await makeSbom(path, undefined, '', host);
  return unique(bill.components.flatMap(({ purl }) => sourceOf(purl)));
}

async function releaseOf(path: string, host: Host): Promise<string> {
  return withMountedImage(path, host, async ({ files }) => {
    const os = parseOsRelease((await files.text('/etc/os-release')) ?? '');
    return os['VERSION_CODENAME'] ?? 'trixie';
  });
}

/** SPDX or CycloneDX, ours or another tool's: the package URLs of source packages. */
async function sourcesOfDocument(path: string): Promise<readonly Source[]> {
  const unreadable = (cause?: unknown): UserError =>
    new UserError('sbom-unreadable', `${path} is neither an SPDX nor a CycloneDX document with source packages`, {
      hints: ['`reswarm-os sbom IMAGE` writes both; or name the image itself.'],
      cause,
    });
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw unreadable(cause);
  });
  const sources = [...text.matchAll(/"(?<purl>pkg:deb\/[^"]+)"/g)].flatMap(({ groups }) => sourceOf(groups?.['purl']));
  if (sources.length === 0) throw unreadable();
  return unique(sources);
}

function sourceOf(purl: string | undefined): readonly Source[] {
  const found = /^pkg:deb\/debian\/(?<name>[^@?]+)@(?<version>[^?]+)\?(?:.*&)?arch=source(?:&|$)/.exec(
    purl ?? '',
  )?.groups;
  if (found === undefined) return [];
  return [{ name: decodeURIComponent(found['name'] ?? ''), version: decodeURIComponent(found['version'] ?? '') }];
}

function unique(sources: readonly Source[]): readonly Source[] {
  return [...new Map(sources.map((one) => [`${one.name} ${one.version}`, one])).values()];
}
