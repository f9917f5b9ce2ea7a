import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../errors.js';
import { replaceFolder } from '../host/replace-folder.js';
import type { NetworkFile, NetworkManifest } from '../images/network-folder.js';
import { checkNetworkFiles, NETWORK_SUMS, networkSums, readNetworkManifest } from '../images/network-folder.js';
import { FOLDER_MODE, FolderWriter } from '../images/write-network-folder.js';
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
  const writer = new FolderWriter(staging, input.sourceDateEpoch);
  for (const file of input.files) {
    signal.throwIfAborted();
    await writer.add(file.name, file.mode, file);
  }
  const files = await writer.finish({ key: keyOf(input), ...input.about, devices: [] });
  return { ...totals(files), unchanged: false };
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
