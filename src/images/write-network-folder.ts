import { chmod, copyFile, link, mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileSha256 } from '../host/file-digest.js';
import { cpioArchive } from '../formats/cpio/write-archive.js';
import type { NetworkFile, NetworkManifest } from './network-folder.js';
import { NETWORK_MANIFEST, NETWORK_SUMS, networkManifestText, networkSums } from './network-folder.js';

export const FOLDER_MODE = 0o755;
export const PUBLIC_MODE = 0o644;
/** Of files with a device's own seed: password hashes, keys of networks. */
export const PRIVATE_MODE = 0o600;

/** A file for the folder: a copy of another one, or bytes. */
export type FolderContent = { readonly source: string } | { readonly content: Uint8Array };

/**
 * Writes the files of a folder, all with the same time. What is in it already with the same bytes and mode becomes
 * another name of that file, where the file system has such names.
 */
export class FolderWriter {
  private readonly written = new Map<string, string>();
  readonly files: NetworkFile[] = [];

  constructor(
    readonly folder: string,
    private readonly time: number,
  ) {}

  async add(path: string, mode: number, content: FolderContent): Promise<void> {
    const target = join(this.folder, path);
    await mkdir(dirname(target), { recursive: true });
    if ('source' in content) await copyFile(content.source, target);
    else await writeFile(target, content.content, { mode: PRIVATE_MODE });
    // The umask does not decide what a server may read.
    await chmod(target, mode);
    await utimes(target, this.time, this.time);
    const file = { path, sizeBytes: (await stat(target)).size, sha256: await fileSha256(target) };
    this.written.set(`${file.sha256} ${mode}`, path);
    this.files.push(file);
  }

  /** Another name for a file that is there, or a copy where that cannot be. */
  async addAgain(path: string, file: NetworkFile, mode: number): Promise<void> {
    const first = this.written.get(`${file.sha256} ${mode}`);
    const source = join(this.folder, first ?? file.path);
    const target = join(this.folder, path);
    await mkdir(dirname(target), { recursive: true });
    try {
      await link(source, target);
      this.files.push({ ...file, path });
    } catch {
      await this.add(path, mode, { source });
    }
  }

  /** What the folder says of itself; nothing is added after that. Files are listed by path. */
  async finish(about: Omit<NetworkManifest, 'format' | 'files'>): Promise<readonly NetworkFile[]> {
    const files = this.files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    // Digests of a seed let others test guesses.
    const mode = about.hasOwnSeed || about.devices.length > 0 ? PRIVATE_MODE : PUBLIC_MODE;
    const texts = [
      [NETWORK_MANIFEST, networkManifestText({ format: 1, ...about, files })],
      [NETWORK_SUMS, networkSums(files)],
    ] as const;
    for (const [name, text] of texts) await this.add(name, mode, { content: Buffer.from(text) });
    const folders = new Set(files.flatMap(({ path }) => foldersAbove(path)));
    for (const path of [...folders].sort((a, b) => b.length - a.length)) {
      await chmod(join(this.folder, path), FOLDER_MODE);
      await utimes(join(this.folder, path), this.time, this.time);
    }
    return files;
  }
}

/** "a/b/c" gives "a/b", "a" and "": the folder itself. */
function foldersAbove(path: string): readonly string[] {
  const above: string[] = [''];
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) above.push(folder);
  return above;
}

/**
 * The files of /boot as an archive that the kernel unpacks before the root's.
 *
 * @param time of all of them, seconds since 1970
 */
export function seedArchive(
  files: readonly { readonly name: string; readonly content: Uint8Array | string }[],
  time: number,
): Buffer {
  const folders = [...new Set(files.flatMap(({ name }) => foldersAbove(`boot/${name}`)))].filter((one) => one !== '');
  return cpioArchive(
    [
      ...folders.sort().map((name) => ({ name, mode: FOLDER_MODE })),
      ...files.map(({ name, content }) => ({
        name: `boot/${name}`,
        mode: PRIVATE_MODE,
        content: Buffer.from(content),
      })),
    ],
    time,
  );
}
