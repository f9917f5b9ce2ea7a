import { open, readFile, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ImageDescription, ImageOutput } from '../images/image-description.js';
import { formatBmap } from '../formats/bmap.js';
import type { PublishedImage } from '../outputs/catalogue.js';
import { imagerList, supportedBoards } from '../outputs/catalogue.js';
import { updateChecksums } from '../formats/checksum-list.js';
import type { Compression } from '../formats/compression.js';
import { suffixOf } from '../formats/compression.js';
import type { Json } from '../model/json.js';
import type { Engine } from '../pipeline/engine.js';
import { compressImage } from '../outputs/compress-image.js';
import type { BuildFacts } from './describe-image.js';
import { describeImage } from './describe-image.js';
import * as paths from '../images/image-file.js';
import { fileReader } from '../host/file-reader.js';
import type { ReadAt } from '../model/read-at.js';
import { readExactly } from '../model/read-at.js';
import { makeBlockMap } from '../outputs/make-block-map.js';
import { mappedRanges } from '../images/used-ranges.js';
import type { StagedFiles } from '../images/staged-files.js';
import { sha256 } from '../model/sha256.js';

export type OutputOptions = {
  readonly compression: Compression;
  /** Where the files will lie for others; undefined: where they lie now. */
  readonly urlBase?: string | undefined;
  readonly jobs: number;
};

export type Outputs = {
  /** The image is the first. */
  readonly files: readonly [ImageOutput, ...ImageOutput[]];
  /** Names of what tells of them: description, sums, catalogue entries. */
  readonly described: readonly string[];
  /** Nothing had to be written. */
  readonly unchanged: boolean;
};

const COMPRESSIONS = ['gz', 'xz', 'zst'] as const;

/**
 * Makes what lies beside an image and is not there yet: block map, packed image, sums, catalogue entries, description.
 * Then all of it and the image, if it is new, take their places.
 *
 * @param image what lies there, or was written into `staged`
 * @param current what is known of the image that lies there; undefined for a new one
 */
export async function completeOutputs(
  facts: BuildFacts,
  image: { readonly sha256: string; readonly sizeBytes: number },
  current: ImageDescription | undefined,
  options: OutputOptions,
  staged: StagedFiles,
  engine: Engine,
): Promise<Outputs> {
  const { request } = facts;
  const work = new OutputWork(facts, current, staged, engine);
  const { sizeBytes } = image;
  const files: [ImageOutput, ...ImageOutput[]] = [outputOf(request.image, 'image', image)];
  files.push(await work.blockMap(sizeBytes));
  for (const compression of COMPRESSIONS) {
    const packed = await work.packed(
      compression,
      { sizeBytes, isWanted: compression === options.compression },
      options,
    );
    if (packed !== undefined) files.push(packed);
  }
  const entries = await work.catalogue(files, options);
  const described = [paths.descriptionPath(request.image), paths.checksumsPath(request.image), ...entries].map((path) =>
    basename(path),
  );
  return engine.store.withLock(
    `sums-${sha256(dirname(request.image))}`,
    () => undefined,
    async () => {
      const previous = await paths.readDescription(request.image);
      const gone = previous === undefined ? [] : await outdated(request.image, previous, files);
      await work.checksums(
        files,
        gone.map(({ name }) => name),
      );
      if (staged.isEmpty) return { files, described, unchanged: true };
      await work.description({ sha256: image.sha256, sizeBytes }, files);
      for (const { path } of gone) await rm(path, { force: true });
      await staged.commit();
      return { files, described, unchanged: false };
    },
  );
}

class OutputWork {
  constructor(
    private readonly facts: BuildFacts,
    private readonly current: ImageDescription | undefined,
    private readonly staged: StagedFiles,
    private readonly engine: Engine,
  ) {}

  private get image(): string {
    return this.facts.request.image;
  }

  async blockMap(sizeBytes: number): Promise<ImageOutput> {
    const path = paths.blockMapPath(this.image);
    const present = await this.present(path, 'block-map');
    if (present !== undefined) return present;
    return this.engine.task('block-map', this.facts.key, async (report) => {
      const text = await this.withImage(async (read) => {
        const used = await mappedRanges(read, sizeBytes);
        return formatBmap(await makeBlockMap(read, { sizeBytes, used }, this.engine.host, report));
      });
      await this.staged.writeText(path, this.facts.request.fileMode, text);
      return outputOf(path, 'block-map', { sizeBytes: Buffer.byteLength(text), sha256: sha256(text) });
    });
  }

  /** The packed image: made if it is wanted, kept if it is there and still of this image. */
  async packed(
    compression: Exclude<Compression, 'none'>,
    { sizeBytes, isWanted }: { readonly sizeBytes: number; readonly isWanted: boolean },
    { jobs }: OutputOptions,
  ): Promise<ImageOutput | undefined> {
    const path = this.image + suffixOf(compression);
    const present = await this.present(path, isWanted ? 'compress' : undefined);
    if (present !== undefined || !isWanted) return present;
    return this.engine.task('compress', this.facts.key, async (report) => {
      const packed = await this.withImage((read) =>
        this.staged.write(path, this.facts.request.fileMode, (target) => {
          const { tools } = this.facts;
          return compressImage({ read, sizeBytes }, target, { compression, jobs, tools }, this.engine.host, report);
        }),
      );
      return outputOf(path, 'compressed', packed);
    });
  }

  /** For Raspberry Pi Imager and for the device management's list of images; returns their paths. */
  async catalogue(files: Outputs['files'], options: OutputOptions): Promise<readonly string[]> {
    const { request, packagesAsOf } = this.facts;
    const wanted = basename(this.image) + suffixOf(options.compression);
    const published: PublishedImage = {
      board: request.board,
      version: request.version,
      packagesAsOf,
      image: files[0],
      file: files.find(({ name }) => name === wanted) ?? files[0],
      blockMap: basename(paths.blockMapPath(this.image)),
      urlBase: (options.urlBase ?? pathToFileURL(dirname(this.image)).href).replace(/\/*$/, '/'),
    };
    const boards = paths.supportedBoardsPath(this.image);
    await this.writeIfOther(boards, formatJson(supportedBoards(published)));
    const list = imagerList(published);
    if (list === undefined) return [boards];
    const imager = paths.imagerListPath(this.image);
    await this.writeIfOther(imager, formatJson(list));
    return [boards, imager];
  }

  async checksums(files: readonly ImageOutput[], gone: readonly string[]): Promise<void> {
    const path = paths.checksumsPath(this.image);
    const before = await readFile(path, 'utf8').catch(() => '');
    await this.writeIfOther(path, updateChecksums(before, files, gone), 0o644);
  }

  /** The last file to take its place: what it speaks of is there by then. */
  async description(
    image: { readonly sha256: string; readonly sizeBytes: number },
    files: readonly ImageOutput[],
  ): Promise<void> {
    const used = await this.withImage((read) => mappedRanges(read, image.sizeBytes));
    const times = files.map(async ({ name }) => [name, await this.staged.fileTime(this.siblingOf(name))] as const);
    const fileTimes = Object.fromEntries(await Promise.all(times));
    const described = describeImage(this.facts, { ...image, used }, files, { fileTimes, stages: this.stages() });
    await this.staged.writeText(paths.descriptionPath(this.image), this.facts.request.fileMode, formatJson(described));
  }

  /** How long each step took when it was made, also where this build found it done. */
  private stages(): ImageDescription['build']['stages'] {
    const before = this.current?.build.stages ?? [];
    const records = this.engine.records.map(({ stage, key, cached, durationMs }) => {
      return (cached ? before.find((one) => one.stage === stage) : undefined) ?? { stage, key, cached, durationMs };
    });
    return [...records, ...before.filter(({ stage }) => !records.some((record) => record.stage === stage))];
  }

  private async present(path: string, task: string | undefined): Promise<ImageOutput | undefined> {
    const found = this.current && (await paths.findCurrentFile(path, this.current));
    if (found !== undefined && task !== undefined) this.engine.foundDone(task, this.facts.key);
    return found;
  }

  private async writeIfOther(path: string, text: string, mode = this.facts.request.fileMode): Promise<void> {
    const before = await readFile(path, 'utf8').catch(() => undefined);
    if (before !== text) await this.staged.writeText(path, mode, text);
  }

  private async withImage<T>(use: (read: ReadAt) => Promise<T>): Promise<T> {
    const file = await open(this.staged.placeOf(this.image), 'r');
    try {
      return await use(readExactly(fileReader(file)));
    } finally {
      await file.close();
    }
  }

  private siblingOf(name: string): string {
    return this.image.slice(0, this.image.length - basename(this.image).length) + name;
  }
}

/** Packed images that we made from another image: whoever takes them with the new block map would be told that they are damaged. */
async function outdated(
  image: string,
  previous: ImageDescription,
  files: readonly ImageOutput[],
): Promise<readonly { readonly name: string; readonly path: string }[]> {
  const gone = [];
  for (const { name, kind } of previous.files) {
    if (kind !== 'compressed' || files.some((file) => file.name === name)) continue;
    const path = image.slice(0, image.length - basename(image).length) + name;
    if ((await paths.findCurrentFile(path, previous)) !== undefined) gone.push({ name, path });
  }
  return gone;
}

function outputOf(
  path: string,
  kind: ImageOutput['kind'],
  { sizeBytes, sha256 }: { readonly sizeBytes: number; readonly sha256: string },
): ImageOutput {
  return { name: basename(path), kind, sizeBytes, sha256 };
}

function formatJson(value: Json | ImageDescription): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
