import { fileSha256 } from '../../host/file-digest.js';
import { sha256 } from '../../model/sha256.js';
import type { TreeFile } from './full-tree.js';
import type { UnpackedPackages } from './unpacked-packages.js';

/** Where one file of a minimal root comes from: a row of a software bill of materials. */
export type FileOrigin = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Undefined for files of one's own and what the build writes. */
  readonly package?: string;
  readonly version?: string;
  readonly architecture?: string;
};

/** Every file with its package, version and digest, by path; folders and links have no bytes and are left out. */
export async function fileOrigins(
  files: readonly TreeFile[],
  { packages }: Pick<UnpackedPackages, 'packages'>,
): Promise<readonly FileOrigin[]> {
  const origins: FileOrigin[] = [];
  for (const file of files.filter(({ type }) => type === 'file')) {
    const { path, sizeBytes, source, text = '' } = file;
    const owner = file.package === undefined ? undefined : packages.get(file.package);
    origins.push({
      path,
      sizeBytes,
      sha256: source === undefined ? sha256(text) : await fileSha256(source),
      ...(owner === undefined ? {} : { package: owner.name, version: owner.version, architecture: owner.architecture }),
    });
  }
  return origins;
}

/** Packages that files come from, with their versions, by name. */
export function packagesOfFiles(
  files: readonly TreeFile[],
  { packages }: Pick<UnpackedPackages, 'packages'>,
): readonly { readonly name: string; readonly version: string }[] {
  const names = [...new Set(files.flatMap(({ package: name, type }) => (type === 'file' ? (name ?? []) : [])))];
  return names.sort().map((name) => ({ name, version: packages.get(name)?.version ?? 'unknown' }));
}
