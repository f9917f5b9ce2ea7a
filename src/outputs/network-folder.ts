import { chmod, copyFile, mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../errors.js';
import { fileSha256 } from '../host/file-digest.js';
import { replaceFolder } from '../host/replace-folder.js';
import type { NetworkFile, NetworkManifest } from '../images/network-folder.js';
import {
  checkNetworkFiles,
  NETWORK_MANIFEST,
  NETWORK_SUMS,
  networkManifestText,
  networkSums,
  readNetworkManifest,
} from '../images/network-folder.js';
import type { Json } from '../model/json.js';
import { canonicalJson } from '../model/json.js';
import { sha256 } from '../model/sha256.js';
import { guardSpace } from '../pipeline/disk-full.js';
import type { Stage } from '../pipeline/stage.js';

/** A file of the folder: copied from a stage's result, whose digest says which bytes, or written here. */
export type FolderFile = {
  /** Relative; "overlays/disable-bt.dtbo". */
  readonly name: string;
  readonly mode: number;
} & ({ readonly source: string; readonly digest: string } | { readonly content: Uint8Array });

export type NetworkFolderInput = {
  readonly files: readonly FolderFile[];
  /** What the folder says of itself, beside its files. */
  readonly about: Omit<NetworkManifest, 'format' | 'key' | 'files' | 'devices'>;
  /** Where it is wanted; not in the key. */
  readonly folder: string;
  readonly sourceDateEpoch: number;
};

export type WrittenFolder = {
  readonly sizeBytes: number;
  /** Of its list of digests. */
  readonly sha256: string;
  readonly files: readonly NetworkFile[];
  /** What was there was this folder already. */
  readonly unchanged: boolean;
};

const RECORD = 'folder.json';
export const FOLDER_MODE = 0o755;

/**
 * Everything that a server offers to devices, as a folder that replaces an older one when all of it is there. Throws
 * UserError `output-folder-not-writable`.
 */
export const networkFolderStage: Stage<NetworkFolderInput, WrittenFolder> = {
  name: 'network-folder',
  version: 1,
  group: 'Folder',
  key: folderKey,

  async run(input, out, { host, report }) {
    const { folder } = input;
    const written =
      (await currentFolder(input)) ??
      (await guardSpace(dirname(folder), 'Make room there, or name another place with --output-folder.', async () => {
        report.step(`writing ${input.files.length} files`);
        return replaceFolder(folder, FOLDER_MODE, (staging) => fill(staging, input, host.signal));
      }).catch((error: unknown) => {
        throw notWritable(folder, error);
      }));
    await writeFile(join(out, RECORD), JSON.stringify(written));
  },

  open: async ({ path }) => JSON.parse(await readFile(join(path, RECORD), 'utf8')) as WrittenFolder,
};

function folderKey({ files, about, sourceDateEpoch }: NetworkFolderInput): Json {
  return {
    files: Object.fromEntries(
      files.map((file) => [
        file.name,
        { mode: file.mode, digest: 'source' in file ? file.digest : sha256(file.content) },
      ]),
    ),
    about: { ...about, models: [...about.models] },
    sourceDateEpoch,
  };
}

function keyOf(input: NetworkFolderInput): string {
  return sha256(canonicalJson(folderKey(input)));
}

/** What is there, where it is the same and whole. */
async function currentFolder(input: NetworkFolderInput): Promise<WrittenFolder | undefined> {
  const manifest = await readNetworkManifest(input.folder);
  if (manifest?.key !== keyOf(input) || manifest.devices.length > 0) return undefined;
  const { problems, warnings } = await checkNetworkFiles(input.folder, manifest);
  if (problems.length > 0 || warnings.length > 0) return undefined;
  const sums = await readFile(join(input.folder, NETWORK_SUMS), 'utf8').catch(() => '');
  return sums === networkSums(manifest.files) ? { ...totals(manifest.files), unchanged: true } : undefined;
}

async function fill(staging: string, input: NetworkFolderInput, signal: AbortSignal): Promise<WrittenFolder> {
  const { about, sourceDateEpoch } = input;
  // The umask does not decide what a server may read.
  await chmod(staging, FOLDER_MODE);
  const listed: NetworkFile[] = [];
  for (const file of input.files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    signal.throwIfAborted();
    listed.push(await writeFolderFile(staging, file, sourceDateEpoch));
  }
  const manifest: NetworkManifest = { format: 1, key: keyOf(input), ...about, files: listed, devices: [] };
  const mode = about.hasOwnSeed ? 0o600 : 0o644;
  for (const [name, text] of [
    [NETWORK_MANIFEST, networkManifestText(manifest)],
    [NETWORK_SUMS, networkSums(listed)],
  ] as const) {
    await writeFolderFile(staging, { name, mode, content: Buffer.from(text) }, sourceDateEpoch);
  }
  await utimes(staging, sourceDateEpoch, sourceDateEpoch);
  return { ...totals(listed), unchanged: false };
}

/** Writes one file with the folders above it; all with the same time. */
async function writeFolderFile(folder: string, file: FolderFile, time: number): Promise<NetworkFile> {
  const path = join(folder, file.name);
  await mkdir(dirname(path), { recursive: true });
  if ('source' in file) await copyFile(file.source, path);
  else await writeFile(path, file.content, { mode: 0o600 });
  await chmod(path, file.mode);
  await utimes(path, time, time);
  for (let parent = dirname(path); parent.length > folder.length; parent = dirname(parent)) {
    await chmod(parent, FOLDER_MODE);
    await utimes(parent, time, time);
  }
  return { path: file.name, sizeBytes: (await stat(path)).size, sha256: await fileSha256(path) };
}

function totals(files: readonly NetworkFile[]) {
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return { sizeBytes, sha256: sha256(networkSums(files)), files };
}

function notWritable(folder: string, error: unknown): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (!['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV'].includes(code ?? '')) return error;
  const message = `${folder} cannot be written: ${(error as Error).message}`;
  return new UserError('output-folder-not-writable', message, {
    hints: ['Name another place with --output-folder. Its parent folder must be writable too.'],
    cause: error,
  });
}
