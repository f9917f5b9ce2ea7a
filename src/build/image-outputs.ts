import { open, readFile, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ImageDescription, ImageOutput } from '../images/image-description.js';
import type { PublishedImage } from '../outputs/catalogue.js';
import { imagerList, supportedBoards } from '../outputs/catalogue.js';
import { updateChecksums } from '../formats/checksum-list.js';
import type { Compression, OutputCompression } from '../formats/compression.js';
import { suffixOf } from '../formats/compression.js';
import type { Json } from '../model/json.js';
import type { MadeOutput } from '../outputs/output.js';
import type { VirtualDiskFormat } from '../outputs/virtual-disk.js';
import { VIRTUAL_DISK_FORMATS } from '../outputs/virtual-disk.js';
import type { Node, Pending } from '../pipeline/graph.js';
import type { Runner } from '../pipeline/runner.js';
import type { Packages } from '../sources/debian/packages-of-image.js';
import type { BuildRequest } from './build-request.js';
import type { ImageGraph } from './image-graph.js';
import type { BuildFacts } from './describe-image.js';
import { describeImage } from './describe-image.js';
import * as paths from '../images/image-file.js';
import { fileReader } from '../host/file-reader.js';
import type { ReadAt } from '../model/read-at.js';
import { readExactly } from '../model/read-at.js';
import { mappedRanges } from '../images/used-ranges.js';
import type { StagedFiles } from '../images/staged-files.js';
import { sha256 } from '../model/sha256.js';

export type OutputOptions = {
  readonly compression?: Compression | undefined;
  readonly format?: VirtualDiskFormat | undefined;
  /** Where the files will lie for others; undefined: where they lie now. */
  readonly urlBase?: string | undefined;
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

/** What a build knows when its image is whole. */
export type FinishedImage = {
  readonly request: BuildRequest;
  readonly graph: ImageGraph;
  readonly key: string;
  readonly packages: Packages;
  readonly asOf: string;
};

/**
 * Makes what belongs beside an image and is not there yet: block map, compressed image, sums, catalogue entries,
 * description. Then all of it and the image, if it is new, take their places.
 *
 * @param image what is there, or was written into `staged`
 * @param current what is known of the image that is there; undefined for a new one
 */
export async function completeOutputs(
  { request, graph, key, packages, asOf }: FinishedImage,
  image: { readonly sha256: string; readonly sizeBytes: number },
  current: ImageDescription | undefined,
  options: OutputOptions,
  staged: StagedFiles,
  runner: Runner,
): Promise<Outputs> {
  const facts: BuildFacts = {
    request,
    key,
    layout: graph.layout && (await runner.run(graph.layout)),
    rootContent: await runner.run(graph.rootContent),
    origins: graph.userland.origins && (await runner.run(graph.userland.origins)),
    compiledFrom: graph.userland.compiledFrom && (await runner.run(graph.userland.compiledFrom)),
    packages,
    tools: await runner.run(graph.tools),
    packagesAsOf: asOf,
  };
  const work = new OutputWork(facts, graph, current, staged, runner);
  const { sizeBytes } = image;
  const files: [ImageOutput, ...ImageOutput[]] = [outputOf(request.image, 'image', image)];
  const blockMap = await work.blockMap();
  if (blockMap !== undefined) files.push(blockMap);
  for (const compression of COMPRESSIONS) {
    const compressed = await work.compressed(compression, compression === options.compression);
    if (compressed !== undefined) files.push(compressed);
  }
  for (const format of VIRTUAL_DISK_FORMATS) {
    const disk = await work.virtualDisk(format, format === options.format);
    if (disk !== undefined) files.push(disk);
  }
  // Catalogues are of images for cards.
  const entries = blockMap === undefined ? [] : await work.catalogue(files, options);
  const described = [paths.descriptionPath(request.image), paths.checksumsPath(request.image), ...entries].map((path) =>
    basename(path),
  );
  return runner.store.withLock(
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
    private readonly graph: ImageGraph,
    private readonly current: ImageDescription | undefined,
    private readonly staged: StagedFiles,
    private readonly runner: Runner,
  ) {}

  private get image(): string {
    return this.facts.request.image;
  }

  /** Undefined for a disc: all of it is used. */
  async blockMap(): Promise<ImageOutput | undefined> {
    if (this.graph.blockMap === undefined) return undefined;
    return this.presentOrMade(paths.blockMapPath(this.image), 'block-map', this.graph.blockMap);
  }

  /** The compressed image: made if it is wanted, kept if it is there and still of this image. */
  async compressed(compression: OutputCompression, isWanted: boolean): Promise<ImageOutput | undefined> {
    const path = this.image + suffixOf(compression);
    if (isWanted) return this.presentOrMade(path, 'compressed', this.graph.compressed);
    return this.current && paths.findCurrentFile(path, this.current);
  }

  /** As a hypervisor's disk: made if it is wanted, kept if it is there and still of this image. */
  async virtualDisk(format: VirtualDiskFormat, isWanted: boolean): Promise<ImageOutput | undefined> {
    const path = `${this.image}.${format}`;
    if (isWanted) return this.presentOrMade(path, 'virtual-disk', this.graph.virtualDisk);
    return this.current && paths.findCurrentFile(path, this.current);
  }

  private async presentOrMade(
    path: string,
    kind: ImageOutput['kind'],
    node: Node<Pending<MadeOutput>> | undefined,
  ): Promise<ImageOutput> {
    if (node === undefined) throw new TypeError(`this build makes no ${kind}`);
    const present = this.current && (await paths.findCurrentFile(path, this.current));
    if (present === undefined) return outputOf(path, kind, await this.runner.make(node));
    this.runner.foundDone(node, this.facts.key);
    return present;
  }

  /** For Raspberry Pi Imager and for the device management's list of images; returns their paths. */
  async catalogue(files: Outputs['files'], options: OutputOptions): Promise<readonly string[]> {
    const { request, packagesAsOf } = this.facts;
    const wanted = basename(this.image) + suffixOf(options.compression ?? 'none');
    const published: PublishedImage = {
      board: request.spec.board,
      description: request.spec.system.description,
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
    const whole = [{ offsetBytes: 0, sizeBytes: image.sizeBytes }];
    const isDisk = this.graph.layout !== undefined;
    const used = isDisk ? await this.withImage((read) => mappedRanges(read, image.sizeBytes)) : whole;
    const times = files.map(async ({ name }) => [name, await this.staged.fileTime(this.siblingOf(name))] as const);
    const fileTimes = Object.fromEntries(await Promise.all(times));
    const described = describeImage(this.facts, { ...image, used }, files, { fileTimes, stages: this.stages() });
    await this.staged.writeText(paths.descriptionPath(this.image), this.facts.request.fileMode, formatJson(described));
  }

  /** How long each step took when it was made, also where this build found it done. */
  private stages(): ImageDescription['build']['stages'] {
    const before = this.current?.build.stages ?? [];
    const records = this.runner.records.map(({ stage, key, cached, durationMs }) => {
      return (cached ? before.find((one) => one.stage === stage) : undefined) ?? { stage, key, cached, durationMs };
    });
    return [...records, ...before.filter(({ stage }) => !records.some((record) => record.stage === stage))];
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
    if (!MADE_OF_IT.has(kind) || files.some((file) => file.name === name)) continue;
    const path = image.slice(0, image.length - basename(image).length) + name;
    if ((await paths.findCurrentFile(path, previous)) !== undefined) gone.push({ name, path });
  }
  return gone;
}

const MADE_OF_IT: ReadonlySet<ImageOutput['kind']> = new Set(['compressed', 'virtual-disk']);

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
