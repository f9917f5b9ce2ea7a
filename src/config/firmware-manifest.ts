import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { Architecture } from '../model/architecture.js';
import type { DockerBundlePin } from '../model/image-spec.js';
import { DOCKER_ARCHITECTURES, type DockerBundle } from '../model/container-engine.js';
import { UserError, type Problem } from '../errors.js';
import { didYouMean } from './wording.js';
import { readYamlSource, type YamlSource } from './yaml-source.js';
import { problemsFromZod } from './zod-problems.js';

const text = z.string().min(1, { error: 'must not be empty' });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be a sha256: 64 hex digits in small letters' });
/** A relative path that stays where it is put. */
const relativePath = z.string().regex(/^(?!\.\.?(\/|$))[A-Za-z0-9._+-]+(\/(?!\.\.?(\/|$))[A-Za-z0-9._+-]+)*$/, {
  error: 'must be a relative path without ".."',
});
const url = z.string().regex(/^(https?|file):\/\/\S+$/, { error: 'must begin with https://, http:// or file://' });

const source = z.union([
  z.strictObject({
    debian: z
      .strictObject({
        package: text.describe('Debian package that is unpacked, not installed.'),
        path: relativePath.describe('Folder of the files inside the package.'),
      })
      .describe("A package of the Debian archive, in the version that the image's package lock names."),
  }),
  z.strictObject({ url: url.describe("{path} stands for the file's path.") }),
]);

const entry = z.strictObject({
  name: text.describe('What boards call it.'),
  version: text.describe("The upstream's version, for people."),
  files: z
    .array(
      z.strictObject({
        path: relativePath.describe('Name below each source and in the image.'),
        sha256: sha256.describe('What the bytes must hash to, wherever they come from.'),
        sizeBytes: z.int().positive().describe('Size in bytes.'),
      }),
    )
    .min(1),
  sources: z.array(source).min(1).describe('Tried in this order.'),
  licence: z.strictObject({
    name: text.describe('SPDX identifier, or LicenseRef-….'),
    file: relativePath.describe('Name of the file with the text, next to the files it is about.'),
    text: z.array(z.string()).min(1).describe('Its lines.'),
  }),
  from: text.describe('Where the digests were read, and when.'),
});

const docker = z.strictObject({
  version: text.describe('The version that is taken unless a board names another one.'),
  url: url.describe("{version} and {architecture} (Docker's name of it: aarch64) are filled in."),
  sha256: z.record(z.string(), sha256).describe("Of the archive, by Debian's name of the architecture."),
  licence: text.describe('SPDX identifier.'),
  from: text.describe('Where the digests were read, and when.'),
});

const manifestSchema = z.strictObject({
  entries: z.array(entry).min(1),
  docker: docker.optional().describe("Docker's own static programs."),
});

export type FirmwareEntry = z.output<typeof entry>;
export type FirmwareFile = FirmwareEntry['files'][number];
export type FirmwareManifest = z.output<typeof manifestSchema>;

/**
 * Reads firmware-manifest.json: what is pinned by digest because no archive signs it for us.
 * Throws UserError with every problem and its place: `manifest-unreadable`, the codes of `problemsFromZod`,
 * `manifest-duplicate`.
 */
export async function loadFirmwareManifest(file: string): Promise<FirmwareManifest> {
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UserError('manifest-unreadable', `${file} could not be read: ${(error as Error).message}`, {
      cause: error,
    });
  });
  return parseFirmwareManifest(content, file);
}

/**
 * The static programs for a board: its own bundle or the pinned one. Throws UserError `docker-bundle-unknown` for an
 * architecture or version that nothing pins.
 */
export function dockerBundle(
  manifest: FirmwareManifest,
  architecture: Architecture,
  wanted: DockerBundlePin | 'pinned',
): DockerBundle {
  const own = wanted === 'pinned' ? undefined : wanted;
  const pinned = manifest.docker;
  const version = own?.version ?? pinned?.version;
  const sha256 = own?.sha256 ?? pinned?.sha256[architecture];
  const address = own?.url ?? pinned?.url;
  if (version === undefined || sha256 === undefined || address === undefined) {
    throw new UserError(
      'docker-bundle-unknown',
      `no bundle of Docker's static programs is pinned for ${architecture}`,
      {
        hints: ['Name one in the board: docker.bundle with version, sha256 and url.'],
      },
    );
  }
  const url = address
    .replaceAll('{version}', version)
    .replaceAll('{architecture}', DOCKER_ARCHITECTURES[architecture] ?? architecture);
  return { version, sha256, url };
}

export function parseFirmwareManifest(content: string, file: string): FirmwareManifest {
  // JSON is YAML too, and only the YAML reader knows lines and columns.
  const source = readYamlSource(content, file);
  if (source.problems.length > 0) throw UserError.fromProblems(source.problems);
  const parsed = manifestSchema.safeParse(source.value);
  if (!parsed.success) {
    throw UserError.fromProblems(problemsFromZod(parsed.error, source, file, { schema: manifestSchema }));
  }
  const problems = duplicates(parsed.data, source);
  if (problems.length > 0) throw UserError.fromProblems(problems);
  return parsed.data;
}

/** The entry of that name. Throws UserError `unknown-firmware`. */
export function firmwareEntry(manifest: FirmwareManifest, name: string): FirmwareEntry {
  const found = manifest.entries.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  const names = manifest.entries.map((candidate) => candidate.name);
  const hint = didYouMean(name, names);
  throw new UserError('unknown-firmware', `firmware-manifest.json has no entry "${name}"`, {
    hints: hint === undefined ? [] : [hint],
  });
}

function duplicates(manifest: FirmwareManifest, source: YamlSource): Problem[] {
  const problems: Problem[] = [];
  const names = new Set<string>();
  for (const [index, { name, files }] of manifest.entries.entries()) {
    if (names.has(name)) problems.push(duplicate(`the entry "${name}"`, ['entries', index, 'name'], source));
    names.add(name);
    const paths = new Set<string>();
    for (const [fileIndex, { path }] of files.entries()) {
      const place = ['entries', index, 'files', fileIndex, 'path'];
      if (paths.has(path)) problems.push(duplicate(`the file "${path}" of ${name}`, place, source));
      paths.add(path);
    }
  }
  return problems;
}

function duplicate(what: string, place: readonly (string | number)[], source: YamlSource): Problem {
  return { code: 'manifest-duplicate', message: `${what} is there twice`, file: source.file, ...source.locate(place) };
}
