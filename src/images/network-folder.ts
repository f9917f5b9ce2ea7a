import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import * as z from 'zod';
import type { Problem } from '../errors.js';
import { UserError } from '../errors.js';
import { fileSha256 } from '../host/file-digest.js';

/** What says that a folder is for network boot, and made by us. */
export const NETWORK_MANIFEST = 'network-boot.json';
export const NETWORK_SUMS = 'SHA256SUMS';
/** Archive with the files of the seed, which the kernel unpacks to /boot. */
export const SEED_ARCHIVE = 'seed.cpio';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const manifestSchema = z.strictObject({
  /** Of this file; another number means that keys have another meaning. */
  format: z.literal(1),
  /** Of the reswarm-os that made the folder. */
  version: z.string(),
  /** Digest of everything that went into it. */
  key: z.string(),
  board: z.string(),
  boardName: z.string(),
  models: z.array(z.string()),
  architecture: z.enum(['arm64', 'amd64']),
  system: z.string(),
  /** It carries one device's own seed. */
  hasOwnSeed: z.boolean(),
  /** All other files but the list of digests, sorted by path. */
  files: z.array(z.strictObject({ path: z.string(), sizeBytes: z.int().nonnegative(), sha256 })),
  /** Devices with folders of their own. */
  devices: z.array(
    z.strictObject({
      name: z.string(),
      /** Names of their folders: "1a2b3c4d", "dc-a6-32-01-02-03". */
      folders: z.array(z.string()).min(1),
      instanceId: z.string(),
      seedSha256: sha256,
    }),
  ),
});

export type NetworkManifest = z.output<typeof manifestSchema>;
export type NetworkFile = NetworkManifest['files'][number];
export type NetworkDevice = NetworkManifest['devices'][number];

/** Undefined for a folder that says nothing of itself, or in a way that this version does not know. */
export async function readNetworkManifest(folder: string): Promise<NetworkManifest | undefined> {
  try {
    return manifestSchema.safeParse(JSON.parse(await readFile(join(folder, NETWORK_MANIFEST), 'utf8'))).data;
  } catch {
    return undefined;
  }
}

export function networkManifestText(manifest: NetworkManifest): string {
  return `${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`;
}

/** As `sha256sum --check` reads it. */
export function networkSums(files: readonly NetworkFile[]): string {
  return files.map(({ path, sha256: digest }) => `${digest}  ${path}\n`).join('');
}

/** Whether a path is a folder, which is what `boot` and `inspect` take for one of network boot. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** What a folder says of itself. Throws UserError `not-a-network-folder`. */
export async function requireNetworkFolder(folder: string): Promise<NetworkManifest> {
  const manifest = await readNetworkManifest(folder);
  if (manifest !== undefined) return manifest;
  const message = `${folder} is a folder without a ${NETWORK_MANIFEST} that this version can read`;
  throw new UserError('not-a-network-folder', message, {
    hints: ['Make one: reswarm-os build --board BOARD --system tiny --output-folder DIR', 'Or name an image file.'],
  });
}

/** Files that people may change: what starts a device differently after that is their wish. */
const FOR_PEOPLE = /(^|\/)(boot\.ipxe|grub\.cfg|pxelinux\.cfg\/.*|dnsmasq\.conf|config\.txt|cmdline\.txt)$/;

export type FolderFindings = { readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

/**
 * Holds a folder against its list: what is missing, and what has other bytes than it was made with. Codes:
 * `network-file-missing`, `network-file-changed`; a text that people may change is a warning.
 */
export async function checkNetworkFiles(folder: string, manifest: NetworkManifest): Promise<FolderFindings> {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  for (const file of manifest.files) {
    const found = await problemOf(folder, file);
    if (found === undefined) continue;
    (found.code === 'network-file-changed' && FOR_PEOPLE.test(file.path) ? warnings : problems).push(found);
  }
  return { problems, warnings };
}

async function problemOf(
  folder: string,
  { path, sizeBytes, sha256: wanted }: NetworkFile,
): Promise<Problem | undefined> {
  const file = join(folder, path);
  const status = await stat(file).catch(() => undefined);
  const hint = 'Build the folder again, or copy it again whole.';
  if (status?.isFile() !== true) {
    return { code: 'network-file-missing', message: `${path} is missing, which ${NETWORK_SUMS} lists`, file, hint };
  }
  if (status.size !== sizeBytes) {
    const message = `${path} has ${status.size} bytes, and was made with ${sizeBytes}`;
    return { code: 'network-file-changed', message, file, hint };
  }
  if ((await fileSha256(file)) === wanted) return undefined;
  const message = `${path} has other bytes than it was made with: its sha256 is not the one in ${NETWORK_SUMS}`;
  return { code: 'network-file-changed', message, file, hint };
}

/**
 * What can be known of an output folder before anything is built: it may be empty or not there, and is replaced when
 * nothing but what we made is in it. Codes: `output-folder-missing`, `output-not-a-folder`, `output-folder-not-ours`,
 * `output-folder-has-devices`.
 */
export async function checkOutputFolder(folder: string, mayHaveDevices = false): Promise<readonly Problem[]> {
  const status = await stat(folder).catch(() => undefined);
  if (status === undefined) {
    if (await isFolder(dirname(folder))) return [];
    const message = `The folder ${dirname(folder)} is not there`;
    return [{ code: 'output-folder-missing', message, hint: `Make it first: mkdir -p ${dirname(folder)}` }];
  }
  if (!status.isDirectory()) {
    const message = `${folder} is there and is no folder`;
    return [{ code: 'output-not-a-folder', message, hint: 'Name another place with --output-folder.' }];
  }
  const names = await allFiles(folder);
  if (names.length === 0) return [];
  const manifest = await readNetworkManifest(folder);
  const ours = new Set([NETWORK_MANIFEST, NETWORK_SUMS, ...(manifest?.files ?? []).map(({ path }) => path)]);
  const devices = (manifest?.devices ?? []).map(({ name }) => name);
  if (devices.length > 0 && !mayHaveDevices) {
    const message = `${folder} is not replaced: it holds folders of devices (${devices.slice(0, 3).join(', ')})`;
    const hint = 'Build into another folder, then: reswarm-os fleet images FLEET --base THAT --out THIS';
    return [{ code: 'output-folder-has-devices', message, hint }];
  }
  const foreign = manifest === undefined ? names : names.filter((name) => !ours.has(name));
  if (foreign.length === 0) return [];
  const message = `${folder} is not replaced: it holds files that were not made by this command (${foreign.slice(0, 3).join(', ')})`;
  return [{ code: 'output-folder-not-ours', message, hint: 'Name another folder, or take these files out yourself.' }];
}

/** Paths of everything that is no folder, and of empty folders, relative; sorted. */
async function allFiles(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const names = await readdir(path);
    if (names.length === 0 && path !== folder) found.push(relative(folder, path));
    for (const name of names) {
      const inner = join(path, name);
      if ((await lstat(inner)).isDirectory()) await visit(inner);
      else found.push(relative(folder, inner));
    }
  };
  await visit(folder);
  return found.sort();
}
