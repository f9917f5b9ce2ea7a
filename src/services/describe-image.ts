import { randomUUID } from 'node:crypto';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DiskLayout } from '../domain/disk-layout.js';
import type { PackageLock } from '../domain/packages.js';
import { guardSpace } from '../pipeline/disk-full.js';
import type { StageRecord } from '../pipeline/engine.js';
import type { BuildRequest } from './build-request.js';
import type { ImageRecord } from './image-file.js';
import { descriptionPath } from './image-file.js';

type Circumstances = {
  readonly layout: DiskLayout;
  readonly packages: PackageLock;
  readonly stages: readonly StageRecord[];
  readonly asOf: string;
};

/**
 * Writes what the image is made of into a JSON file beside it: for whoever wonders later, and for the next build,
 * which finds by it that nothing changed. Nothing of the seed but its part in the key gets in.
 */
export async function describeImage(
  request: BuildRequest,
  image: { readonly key: string; readonly sha256: string; readonly sizeBytes: number },
  { layout, packages, stages, asOf }: Circumstances,
): Promise<void> {
  const record: ImageRecord = { ...image, fileTime: (await stat(request.image)).mtime.toISOString() };
  const description = {
    ...record,
    board: request.board.id,
    packagesAsOf: asOf,
    sourceDateEpoch: request.sourceDateEpoch,
    diskId: layout.diskId,
    partitions: layout.partitions.map(({ name, fs, label, offsetBytes, sizeBytes, uuid, partUuid }) => {
      return { name, fs, label, offsetBytes, sizeBytes, uuid, partUuid };
    }),
    stages: stages.map(({ stage, key, cached, durationMs }) => ({ stage, key, cached, durationMs })),
    ...contentOf(request),
    packages: packages.install.map(({ name, version, architecture }) => ({ name, version, architecture })),
  };
  await replaceText(descriptionPath(request.image), `${JSON.stringify(description, undefined, 2)}\n`);
}

/** What no package list tells. */
function contentOf({ board, dockerBundle, images, software }: BuildRequest) {
  const bundle = dockerBundle && { version: dockerBundle.version, sha256: dockerBundle.sha256 };
  return {
    docker: {
      source: board.docker.source,
      ...(bundle === undefined ? {} : { bundle }),
      images: images.map(({ tags, sha256 }) => ({ tags, sha256 })),
    },
    software: software.map(({ name, files, units }) => ({
      name,
      files: files.map(({ to, sha256 }) => ({ to, sha256 })),
      units: units.map((unit) => unit.name),
    })),
  };
}

/** Whole or not at all: a half-written one would look like ours to whoever reads it. */
async function replaceText(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  await guardSpace(dirname(path), 'The image is whole; only its description is missing. Make room there.', async () => {
    try {
      await writeFile(temporary, text, { flag: 'wx' });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  });
}
