import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Compression } from '../formats/compression.js';
import { fileReader } from '../host/file-reader.js';
import { readExactly } from '../model/read-at.js';
import type { WriteDisk } from '../outputs/disk.js';
import type { VirtualDiskFormat } from '../outputs/virtual-disk.js';
import type { PlaceFile } from '../outputs/placed-file.js';
import type { ImageInPlace } from '../outputs/output.js';
import type { StagedFiles } from '../images/staged-files.js';
import type { BuildRequest } from './build-request.js';
import { writeTarget } from './write-target.js';

/** Where a build's disk goes, and the image that results for what is made from it. */
export type ImageTarget = {
  readonly write: WriteDisk;
  /** Undefined for a drive that is written directly, and for a folder. */
  readonly image: ImageInPlace | undefined;
  readonly compression: Compression;
  readonly format: VirtualDiskFormat | undefined;
  /** For a disc: it is made as one file. */
  readonly iso: PlaceFile | undefined;
  /** For network boot: the folder, and where others find it by HTTP. */
  readonly folder: { readonly folder: string; readonly base?: string | undefined } | undefined;
};

export function imageTarget(
  request: BuildRequest,
  staged: StagedFiles,
  compression: Compression,
  format?: VirtualDiskFormat,
): ImageTarget {
  const { image: path, fileMode: mode, target } = request;
  return {
    write: (parts, host, report) => writeTarget(target, parts, { path, mode, staged }, host, report),
    image: target.type === 'device' || target.type === 'folder' ? undefined : imageInPlace(path, mode, staged),
    compression,
    format,
    folder: target.type === 'folder' ? { folder: path, base: target.base } : undefined,
    iso: target.type === 'iso' ? (made) => staged.write(path, mode, (file) => copyInto(made, file)) : undefined,
  };
}

async function copyInto(source: string, target: FileHandle): Promise<void> {
  for await (const chunk of createReadStream(source)) await target.writeFile(chunk as Buffer);
}

function imageInPlace(path: string, mode: number, staged: StagedFiles): ImageInPlace {
  return {
    async read(use) {
      const file = await open(staged.placeOf(path), 'r');
      try {
        return await use(readExactly(fileReader(file)), (await file.stat()).size);
      } finally {
        await file.close();
      }
    },
    writeBeside: (suffix, write) => staged.write(path + suffix, mode, write),
  };
}
