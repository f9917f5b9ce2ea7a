import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../errors.js';
import type { Json } from '../../model/json.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.int().nonnegative();
const plainPath = z.string().regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[^\0\n]+$/, 'a relative path without ".."');
const word = z.string().regex(/^[^/\0\n]+$/, 'a name without "/"');

const deb = z.strictObject({
  name: word.describe('Of the package.'),
  version: z
    .string()
    .regex(/^[^/\0\n]+$/)
    .describe("Debian's version."),
  architecture: word.describe('Its architecture, or all.'),
  filename: plainPath.describe('Path below the root of its archive; of a file of yours only the name.'),
  sizeBytes: bytes.describe('Of the package file.'),
  sha256: sha256.describe('Of the package file.'),
  local: z.literal(true).optional().describe('A file of yours: no archive has it.'),
  installedBytes: bytes.optional().describe('What it takes where it is installed, as its maintainer measured it.'),
  needs: z.array(z.string()).optional().describe('Packages of this lock that it depends on.'),
  why: z.array(z.string()).min(1).describe('Who asked for it, or which package needs it.'),
});

const sourceFile = z.strictObject({
  name: word.describe('Of the file.'),
  filename: plainPath.describe('Path below the root of its archive.'),
  sizeBytes: bytes.describe('Its length.'),
  sha256: sha256.describe('Its digest.'),
});

/** A lock file: all that a build takes from elsewhere, by digest. */
export const imageLockSchema = z.strictObject({
  format: z.literal(1).describe('Of this file.'),
  version: z.string().describe('Of the reswarm-os that made it.'),
  board: z.string().describe('Id of the board.'),
  system: z.string().describe('Id of the system.'),
  options: z.record(z.string(), z.json()).describe('What was asked for; `lock update` asks for the same.'),
  hostArchitecture: z.string().describe('Of the machine that builds: the tools are programs for it.'),
  asOf: z.string().describe('When the Debian archive was looked at; ISO 8601, UTC.'),
  tools: z
    .strictObject({
      suite: z.string().describe('Of Debian.'),
      archives: z.array(z.string()).describe('Lines of a sources.list.'),
      debs: z.array(deb).describe('All packages of the tools tree.'),
    })
    .describe('The programs that shape the image.'),
  packages: z
    .array(
      z.strictObject({
        request: z.record(z.string(), z.json()).describe('What apt was asked for.'),
        archives: z.array(z.string()).describe('Lines of a sources.list.'),
        suite: z.string().describe('Of Debian.'),
        architecture: z.string().describe('Of the image.'),
        install: z.array(deb).describe("Installed into the image, or what a workload's files come from."),
        essential: z.array(z.string()).describe('Names of those that go into the empty root first.'),
        twins: z.array(deb).describe('The same for the machine that builds: they run maintainer scripts.'),
        fetched: z.array(deb).describe('Only unpacked: kernel source, firmware, boot loader.'),
      }),
    )
    .describe('What apt decided.'),
  sources: z
    .array(
      z.strictObject({
        name: word.describe('Of the source package.'),
        version: z.string().describe("Debian's version, without its epoch."),
        files: z.array(sourceFile).describe('Its files.'),
        archives: z.array(z.string()).describe('Lines of a sources.list.'),
        why: z.array(z.string()).describe('What is compiled from it.'),
      }),
    )
    .describe("Debian's source packages."),
  downloads: z
    .array(
      z.strictObject({
        name: z.string().describe('What it is called.'),
        url: z.string().describe('Where it is fetched from.'),
        sha256: sha256.describe('Its digest.'),
        sizeBytes: bytes.optional().describe('Its length, where it is known.'),
        insteadOf: z.string().optional().describe('The package of this lock that has the same file.'),
        why: z.array(z.string()).describe('Who asked for it.'),
      }),
    )
    .describe('Pinned files of the web.'),
  files: z
    .array(
      z.strictObject({
        name: z.string().describe('Its name; not where it is.'),
        sha256: sha256.describe('Its digest.'),
        why: z.array(z.string()).describe('What it is for.'),
      }),
    )
    .describe('Files of yours that the build reads and nobody else has.'),
});

export type ImageLock = z.output<typeof imageLockSchema>;
export type LockedDeb = z.output<typeof deb>;
export type LockedPackages = ImageLock['packages'][number];

/** For other programs; committed as docs/schemas/lock.schema.json. */
export function imageLockJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(imageLockSchema);
  return { $schema, title: 'Lock file of reswarm-os', ...rest };
}

/** The same lock gives the same text. */
export function formatLock(lock: ImageLock): string {
  return `${JSON.stringify(lock, undefined, 1)}\n`;
}

/** Throws UserError `lock-unreadable` or `lock-invalid`. */
export async function readLock(path: string): Promise<ImageLock> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UserError('lock-unreadable', `The lock file ${path} cannot be read`, {
      hints: [`Make one: reswarm-os lock --board BOARD --output ${basename(path)}`],
      cause,
    });
  });
  return parseLock(text, path);
}

/** @param path for messages. Throws UserError `lock-invalid` with what is wrong where. */
export function parseLock(text: string, path: string): ImageLock {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw invalid(path, [`it is no JSON: ${(cause as Error).message}`], cause);
  }
  const { data, error } = imageLockSchema.safeParse(value);
  if (data !== undefined) return data;
  throw invalid(
    path,
    error.issues
      .slice(0, 5)
      .map(({ path: keys, message }) => `${keys.map(String).join('.') || 'the file'}: ${message}`),
  );
}

function invalid(path: string, details: readonly string[], cause?: unknown): UserError {
  return new UserError('lock-invalid', `${path} is not a lock file of reswarm-os`, {
    details,
    hints: ['A lock file is made by `reswarm-os lock`; take it from version control, or make it again.'],
    cause,
  });
}

/** All package files of a lock, each once. */
export function allDebs(lock: ImageLock): readonly LockedDeb[] {
  const all = [...lock.tools.debs, ...lock.packages.flatMap((one) => [...one.install, ...one.twins, ...one.fetched])];
  return [...new Map(all.map((one) => [one.sha256, one])).values()];
}
