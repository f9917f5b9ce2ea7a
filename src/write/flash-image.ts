import type { Compression } from '../formats/compression.js';
import type { ImageDelta } from '../formats/delta/image-delta.js';
import { describeProblem, ReswarmError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { etaSeconds, TransferRate } from '../host/transfer-rate.js';
import type { Reporter } from '../pipeline/reporter.js';
import { stageReporter } from '../pipeline/reporter.js';
import type { CardNeed, ClaimedDevice } from '../drives/claim.js';
import { claimDevice } from '../drives/claim.js';
import type { CardFailure, CardIo, CardJob, CardOutcome, CardProgress } from './device-writer.js';
import { writeCards } from './device-writer.js';
import { openCheckpoint } from './checkpoint.js';
import { checkSignature, expectedDigests } from './expected-digests.js';
import { ImageDigests, type ExpectedDigest } from './image-digests.js';
import { withCardOpen } from './open-card.js';
import type { CardIdentity, PersonalCard, PersonaliseOptions } from '../provision/provision-card.js';
import { personalise } from '../provision/provision-card.js';
import { analyseImage, type ImageAnalysis } from './analyse-image.js';
import { analyseStream } from './analyse-stream.js';
import type { DiskImage } from '../images/disk-image.js';
import { isRaw, openDiskImage } from '../images/disk-image.js';
import { noOrdinaryFile } from '../images/image-errors.js';
import type { ImageSource } from '../images/image-source.js';
import { imageSource } from '../images/image-source.js';
import { requireSigned } from '../images/signed/require-signed.js';
import { isStreamed, openStreamedImage } from '../images/streamed-image.js';
import { withUnpacked } from '../images/raw-image.js';

export type FlashOptions = {
  readonly image: string;
  /** Paths of devices, as they were typed. */
  readonly to: readonly string[];
  readonly allBlocks: boolean;
  /** Write nothing, only compare. */
  readonly verifyOnly: boolean;
  readonly allowLarge: boolean;
  readonly allowBuiltIn: boolean;
  readonly sha256?: string;
  readonly signature?: { readonly signature: string; readonly keyring: string };
  /** Public key that must have signed the image and its release. */
  readonly requireSigned?: string;
  /** Who the cards are to be, in their order; undefined: all get the image as it is. */
  readonly identities?: readonly CardIdentity[];
  readonly personal: PersonaliseOptions;
};

/** What would be done, to the byte. */
export type FlashPlan = {
  readonly image: string;
  readonly compression: Compression;
  /** Undefined where it comes as a stream, and shows at its end. */
  readonly imageSizeBytes?: number;
  readonly writtenBytes?: number;
  readonly mappedFrom: ImageAnalysis['mappedFrom'];
  readonly mapPath?: string;
  readonly expected: readonly ExpectedDigest[];
  readonly isSigned: boolean;
  readonly verifyOnly: boolean;
  readonly cards: readonly PlannedCard[];
};

export type PlannedCard = {
  readonly device: ClaimedDevice;
  /** As it was typed. */
  readonly path: string;
  readonly personal?: PersonalCard;
};

export type FlashedCard = CardOutcome & {
  readonly model?: string;
  readonly serial?: string;
  readonly cid?: string;
  readonly sizeBytes?: number;
  readonly name?: string;
  readonly hostname?: string;
  readonly instanceId?: string;
};

export type FlashResult = {
  readonly image: string;
  /** Of the image's content; empty when every card failed before its end was read. */
  readonly sha256: string;
  readonly imageSizeBytes: number;
  readonly writtenBytes: number;
  readonly durationMs: number;
  readonly verifyOnly: boolean;
  readonly cards: readonly FlashedCard[];
};

export type PreparedFlash = {
  readonly plan: FlashPlan;
  /** Writes the cards. `onCard` is called for each as soon as it is done. */
  run(onCard?: (card: FlashedCard, imageSha256: string) => Promise<void>): Promise<FlashResult>;
};

/**
 * Reads and checks everything about an image and its cards, writes nothing, and lends `use` the plan and the power to
 * carry it out. An image that comes as a stream is looked at as far as it can be: at its beginning. Throws what
 * openDiskImage, openStreamedImage, analyseImage and claimDevice throw, and UserError `card-named-twice`,
 * `signature-needs-file`, `sector-size-not-edited`.
 */
export async function withFlash<Result>(
  options: FlashOptions,
  host: Host,
  reporter: Reporter,
  use: (flash: PreparedFlash) => Promise<Result>,
): Promise<Result> {
  const from = imageSource(options.image, host);
  if (from.kind !== 'file' && (options.signature ?? options.requireSigned) !== undefined) throw unsignedStream(from);
  const { requireSigned: key } = options;
  const ofRelease = key === undefined ? undefined : await requireSigned(options.image, key);
  const outer = from.kind === 'file' ? await openDiskImage(options.image, host) : await openStreamedImage(from, host);
  try {
    if (outer.isDrive) throw noOrdinaryFile(options.image, 'a drive');
    // A wrong card is found at once, a packed image takes its time.
    const cards = await claimAll(options, from, { sectorSizeBytes: 'unknown' }, host);
    const roomBytes = Math.min(...cards.map(({ sizeBytes = 0 }) => sizeBytes));
    const { signature } = options;
    const signed = signature === undefined ? [] : [await checkSignature(outer, signature, host)];
    if (ofRelease !== undefined)
      signed.push({ type: 'sha256', hex: ofRelease.sha256, of: 'file', from: ofRelease.from });
    const expected = [...signed, ...(await expectedDigests(from, outer.compression, options.sha256))];
    const image = { source: outer, from, compression: outer.compression, roomBytes, expected };
    if (options.identities === undefined || isRaw(outer)) {
      return await withSource(image, options, host, reporter, use);
    }
    reporter.emit({ type: 'notice', text: `Unpacking ${from.name}: its boot partition is edited for each card` });
    return await withUnpacked(expected.length === 0 ? outer : digested(outer, expected), host, (raw) => {
      const ofImage = expected.filter(({ of }) => of === 'image');
      return withSource({ ...image, source: raw, expected: ofImage }, options, host, reporter, use);
    });
  } finally {
    await outer.close();
  }
}

function unsignedStream({ name }: ImageSource): UserError {
  return new UserError('signature-needs-file', `The signature of ${name} is checked before anything is written`, {
    hints: ['Download the image to a file first, or hold it to its digest: --sha256.'],
  });
}

type OpenImage = {
  readonly source: DiskImage;
  readonly from: ImageSource;
  /** Of what was opened; `source` may be its unpacked copy. */
  readonly compression: Compression;
  /** Of the smallest card. */
  readonly roomBytes: number;
  readonly expected: readonly ExpectedDigest[];
};

async function withSource<Result>(
  image: OpenImage,
  options: FlashOptions,
  host: Host,
  reporter: Reporter,
  use: (flash: PreparedFlash) => Promise<Result>,
): Promise<Result> {
  const { source, from, expected, roomBytes } = image;
  const { allBlocks, identities = [] } = options;
  const survey = isStreamed(source)
    ? await analyseStream(source, from, { allBlocks, roomBytes })
    : await analyseImage(source, { from, allBlocks, expected }, stageReporter(reporter, 'image'));
  const { plan, mappedFrom, mapPath, sectorSizeBytes } = survey;
  const sizeBytes = plan.openEnd?.neededBytes ?? plan.cardSizeBytes;
  const devices = await claimAll(options, from, { sizeBytes, sectorSizeBytes }, host);
  if (identities.length > 0 && !isRaw(source)) throw new TypeError('a packed image is edited in its unpacked copy');
  if (identities.length > 0 && sectorSizeBytes !== EDITED_SECTOR_BYTES) throw notEdited(from, sectorSizeBytes);
  const personal = isRaw(source) ? await personalise(source, identities, options.personal) : [];
  for (const { warnings } of personal) {
    for (const { hint, ...problem } of warnings) {
      reporter.emit({ type: 'warning', text: describeProblem(problem), ...(hint === undefined ? {} : { hint }) });
    }
  }
  const cards = devices.map((device, index): PlannedCard => {
    const own = personal[index];
    return { device, path: options.to[index] ?? device.path, ...(own === undefined ? {} : { personal: own }) };
  });
  const { imageSizeBytes, writtenBytes } = plan;
  return use({
    plan: {
      image: from.name,
      compression: image.compression,
      ...(plan.openEnd === undefined ? { imageSizeBytes, writtenBytes } : {}),
      mappedFrom,
      ...(mapPath === undefined ? {} : { mapPath }),
      expected,
      isSigned: (options.signature ?? options.requireSigned) !== undefined,
      verifyOnly: options.verifyOnly,
      cards,
    },
    run: (onCard) => flash({ source, survey, expected, cards, options, onCard }, host, reporter),
  });
}

const EDITED_SECTOR_BYTES = 512;

function notEdited({ name }: ImageSource, sectorSizeBytes: number): UserError {
  return new UserError('sector-size-not-edited', `${name} has sectors of ${sectorSizeBytes} bytes`, {
    hints: [`Only boot partitions with sectors of ${EDITED_SECTOR_BYTES} bytes are edited: write it without --fleet.`],
  });
}

async function claimAll(
  options: FlashOptions,
  from: ImageSource,
  image: Pick<CardNeed, 'sizeBytes' | 'sectorSizeBytes'>,
  host: Host,
): Promise<readonly ClaimedDevice[]> {
  const { allowLarge, allowBuiltIn, to } = options;
  const need: CardNeed = { imagePaths: from.files, allowLarge, allowBuiltIn, ...image };
  const known = await host.blockDevices();
  const devices: ClaimedDevice[] = [];
  for (const path of to) {
    const device = await claimDevice(path, need, host, known);
    const twin = devices.findIndex(({ majorMinor }) => majorMinor === device.majorMinor);
    if (twin >= 0) {
      throw new UserError('card-named-twice', `${path} and ${to[twin] ?? ''} are the same card`, {
        details: [`both are ${device.path} (${device.majorMinor})`],
        hints: ['Name each card once.'],
      });
    }
    devices.push(device);
  }
  return devices;
}

/** The same image, whose content is that which the digests name once it was read to its end. */
function digested(source: DiskImage, expected: readonly ExpectedDigest[]): DiskImage {
  return {
    ...source,
    async *stream() {
      const digests = new ImageDigests(source.name, source.compression !== 'none', expected, undefined);
      for await (const bytes of source.stream(digests.onFileBytes)) {
        digests.update(bytes);
        yield bytes;
      }
      digests.finish();
    },
  };
}

type FlashWork = {
  readonly source: DiskImage;
  readonly survey: ImageAnalysis;
  readonly expected: readonly ExpectedDigest[];
  readonly cards: readonly PlannedCard[];
  readonly options: FlashOptions;
  readonly onCard: ((card: FlashedCard, imageSha256: string) => Promise<void>) | undefined;
};

async function flash(work: FlashWork, host: Host, reporter: Reporter): Promise<FlashResult> {
  const { source, survey, cards, options } = work;
  const started = performance.now();
  const packed = source.compression !== 'none';
  const digests = new ImageDigests(source.name, packed, work.expected, survey.map);
  reporter.emit({
    type: 'planned',
    groups: cards.map(({ device, personal }) => ({
      title: [device.path, personal?.name ?? personal?.hostname].filter((word) => word !== undefined).join('  '),
      stages: [device.path],
    })),
  });
  const ended = new Set<string>();
  const begun: OpenCard[] = [];
  const write = async (open: readonly OpenCard[]): Promise<WrittenCards> => {
    const jobs = open.map(({ planned, io }): CardJob => {
      const { device, personal } = planned;
      reporter.emit({ type: 'stage-started', stage: device.path });
      const overlay: ImageDelta | undefined = personal?.overlay;
      return {
        card: io,
        ...(overlay === undefined ? {} : { overlay }),
        ...(options.verifyOnly ? {} : { checkpoint: openCheckpoint(device, survey.plan, survey.head, host) }),
        onProgress: progressReporter(device.path, reporter),
        onEnd: async (outcome, sha256) => {
          ended.add(device.path);
          reportEnd(outcome, reporter);
          await work.onCard?.(flashedCard(outcome, planned), sha256);
        },
      };
    });
    const { plan } = survey;
    begun.push(...open);
    return writeCards({ source, plan, digests, cards: jobs, compareOnly: options.verifyOnly }, host);
  };
  let result: WrittenCards;
  try {
    result = await withCardsOpen(cards, host, reporter, write);
  } catch (error) {
    // What is wrong with the image, Ctrl-C or a bug ends the work on all of them.
    for (const { device } of cards.filter((card) => !ended.has(card.device.path))) {
      const code = error instanceof ReswarmError ? { code: error.code } : {};
      const message = error instanceof Error ? error.message : String(error);
      const durationMs = Math.round(performance.now() - started);
      reporter.emit({ type: 'card-failed', device: device.path, durationMs, ...code, message });
      if (begun.length === 0 || options.verifyOnly) continue;
      const text = `${device.path} was left without a partition table: it does not boot`;
      reporter.emit({ type: 'warning', text });
    }
    throw error;
  }
  return {
    image: source.name,
    sha256: result.sha256,
    imageSizeBytes: result.plan.imageSizeBytes,
    writtenBytes: result.plan.writtenBytes,
    durationMs: Math.round(performance.now() - started),
    verifyOnly: options.verifyOnly,
    cards: result.cards.map((outcome, index) => flashedCard(outcome, cards[index])),
  };
}

type WrittenCards = Awaited<ReturnType<typeof writeCards>>;

function flashedCard(outcome: CardOutcome, planned: PlannedCard | undefined): FlashedCard {
  const { model, serial, cid, sizeBytes } = planned?.device ?? {};
  const { name, hostname, instanceId } = planned?.personal ?? {};
  const known = { model, serial, cid, sizeBytes, name, hostname, instanceId };
  return { ...outcome, ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) };
}

type OpenCard = { readonly planned: PlannedCard; readonly io: CardIo };

async function withCardsOpen<Result>(
  cards: readonly PlannedCard[],
  host: Host,
  reporter: Reporter,
  use: (open: readonly OpenCard[]) => Promise<Result>,
): Promise<Result> {
  const openNext = async (open: readonly OpenCard[]): Promise<Result> => {
    const planned = cards[open.length];
    if (planned === undefined) return use(open);
    const warn = (text: string, hint?: string): void => {
      reporter.emit({ type: 'warning', text, ...(hint === undefined ? {} : { hint }) });
    };
    return withCardOpen(planned.device, host, warn, (io) => openNext([...open, { planned, io }]));
  };
  return openNext([]);
}

const REPORT_EVERY_MS = 250;

function progressReporter(device: string, reporter: Reporter): (progress: CardProgress) => void {
  let rate = new TransferRate();
  let phase: CardProgress['phase'] | undefined;
  let reportedMs = 0;
  return (progress) => {
    const now = performance.now();
    const isNew = progress.phase !== phase;
    const isEnd = progress.totalBytes > 0 && progress.doneBytes >= progress.totalBytes;
    if (!isNew && now - reportedMs < REPORT_EVERY_MS && !isEnd) return;
    if (isNew) rate = new TransferRate();
    phase = progress.phase;
    reportedMs = now;
    const bytesPerSecond = Math.round(rate.sample(progress.doneBytes, now));
    const eta = etaSeconds(progress.doneBytes, progress.totalBytes, bytesPerSecond);
    reporter.emit({
      type: 'card-progress',
      device,
      ...progress,
      bytesPerSecond,
      ...(eta === undefined ? {} : { etaSeconds: eta }),
    });
  };
}

function reportEnd(outcome: CardOutcome, reporter: Reporter): void {
  const { path, failure, durationMs } = outcome;
  reporter.emit(
    failure === undefined
      ? { type: 'card-finished', device: path, durationMs }
      : { type: 'card-failed', device: path, durationMs, code: failure.code, message: failure.message },
  );
}

/** One error for all cards that failed; what each says is in its details. */
export function failedCards(result: FlashResult): ReswarmError | undefined {
  const failed = result.cards.flatMap(({ path, failure }) => (failure === undefined ? [] : [{ path, failure }]));
  if (failed.length === 0) return undefined;
  const all = result.cards.length;
  const message = `${failed.length} of ${all} card${all === 1 ? '' : 's'} ${result.verifyOnly ? 'did not pass' : 'failed'}`;
  return new ReswarmError('cards-failed', message, {
    details: failed.flatMap(({ failure }) => describeFailure(failure)),
    hints: result.verifyOnly
      ? ['What a device has written since it booted, and its own seed, differ from the image too.']
      : [
          'A card that failed has no partition table and does not boot. Try it once more, in another reader; or replace it.',
        ],
  });
}

const SHOWN_RANGES = 8;

export function describeFailure({ code, message, badRanges }: CardFailure): readonly string[] {
  const shown = badRanges.slice(0, SHOWN_RANGES).map(({ offsetBytes, sizeBytes, reason }) => {
    return `  bytes ${offsetBytes} to ${offsetBytes + sizeBytes - 1}: ${reason}`;
  });
  const more = badRanges.length - shown.length;
  return [`${message} [${code}]`, ...shown, ...(more > 0 ? [`  and ${more} more`] : [])];
}
