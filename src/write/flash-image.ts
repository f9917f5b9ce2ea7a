import { resolve } from 'node:path';
import type { Compression } from '../formats/compression.js';
import type { ImageDelta } from '../formats/delta/image-delta.js';
import { describeProblem, ReswarmError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { etaSeconds, TransferRate } from '../host/transfer-rate.js';
import type { Reporter } from '../pipeline/reporter.js';
import { stageReporter } from '../pipeline/reporter.js';
import type { ClaimedDevice } from '../drives/claim.js';
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
import type { DiskImage } from '../images/disk-image.js';
import { isRaw, openDiskImage } from '../images/disk-image.js';
import { noOrdinaryFile } from '../images/image-errors.js';
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
  /** Who the cards are to be, in their order; undefined: all get the image as it is. */
  readonly identities?: readonly CardIdentity[];
  readonly personal: PersonaliseOptions;
};

/** What would be done, to the byte. */
export type FlashPlan = {
  readonly image: string;
  readonly compression: Compression;
  readonly imageSizeBytes: number;
  readonly writtenBytes: number;
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
 * carry it out. Throws what openDiskImage, surveyImage and claimDevice throw, and UserError `card-named-twice`.
 */
export async function withFlash<Result>(
  options: FlashOptions,
  host: Host,
  reporter: Reporter,
  use: (flash: PreparedFlash) => Promise<Result>,
): Promise<Result> {
  const outer = await openDiskImage(options.image, host);
  try {
    if (outer.isDrive) throw noOrdinaryFile(options.image, 'a drive');
    // A wrong card is found at once, a packed image takes its time.
    await claimAll(options, undefined, host);
    const { signature } = options;
    const signed = signature === undefined ? [] : [await checkSignature(outer, signature, host)];
    const expected = [...signed, ...(await expectedDigests(options.image, outer.compression, options.sha256))];
    if (options.identities === undefined || outer.compression === 'none') {
      return await withSource(outer, outer.compression, options, expected, host, reporter, use);
    }
    reporter.emit({ type: 'notice', text: `Unpacking ${options.image}: its boot partition is edited for each card` });
    if (expected.length > 0) await checkFileDigest(outer, expected);
    return await withUnpacked(outer, host, (raw) => {
      const ofImage = expected.filter(({ of }) => of === 'image');
      return withSource(raw, outer.compression, options, ofImage, host, reporter, use);
    });
  } finally {
    await outer.close();
  }
}

async function withSource<Result>(
  source: DiskImage,
  compression: Compression,
  options: FlashOptions,
  expected: readonly ExpectedDigest[],
  host: Host,
  reporter: Reporter,
  use: (flash: PreparedFlash) => Promise<Result>,
): Promise<Result> {
  const survey = await analyseImage(
    source,
    { name: options.image, allBlocks: options.allBlocks, expected },
    stageReporter(reporter, 'image'),
  );
  const devices = await claimAll(options, survey.plan.cardSizeBytes, host);
  const { identities = [] } = options;
  if (identities.length > 0 && !isRaw(source)) throw new TypeError('a packed image is edited in its unpacked copy');
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
  const { plan, mappedFrom, mapPath } = survey;
  return use({
    plan: {
      image: options.image,
      compression,
      imageSizeBytes: plan.imageSizeBytes,
      writtenBytes: plan.writtenBytes,
      mappedFrom,
      ...(mapPath === undefined ? {} : { mapPath }),
      expected,
      isSigned: options.signature !== undefined,
      verifyOnly: options.verifyOnly,
      cards,
    },
    run: (onCard) => flash({ source, survey, expected, cards, options, onCard }, host, reporter),
  });
}

async function claimAll(
  options: FlashOptions,
  sizeBytes: number | undefined,
  host: Host,
): Promise<readonly ClaimedDevice[]> {
  const { allowLarge, allowBuiltIn, image, to } = options;
  const need = { imagePaths: [resolve(image)], allowLarge, allowBuiltIn };
  const known = await host.blockDevices();
  const devices: ClaimedDevice[] = [];
  for (const path of to) {
    const device = await claimDevice(path, sizeBytes === undefined ? need : { ...need, sizeBytes }, host, known);
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

/** A packed file whose content is read from a copy: its own digest, before anything else. */
async function checkFileDigest(source: DiskImage, expected: readonly ExpectedDigest[]): Promise<void> {
  const digests = new ImageDigests(
    source.name,
    true,
    expected.filter(({ of }) => of !== 'image'),
    undefined,
  );
  for await (const chunk of source.stream(digests.onFileBytes)) digests.update(chunk);
  digests.finish();
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
  const digests = new ImageDigests(options.image, packed, work.expected, survey.map);
  reporter.emit({
    type: 'planned',
    groups: cards.map(({ device, personal }) => ({
      title: [device.path, personal?.name ?? personal?.hostname].filter((word) => word !== undefined).join('  '),
      stages: [device.path],
    })),
  });
  const ended = new Set<string>();
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
    }
    throw error;
  }
  return {
    image: options.image,
    sha256: result.sha256,
    imageSizeBytes: survey.plan.imageSizeBytes,
    writtenBytes: survey.plan.writtenBytes,
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
    if (!isNew && now - reportedMs < REPORT_EVERY_MS && progress.doneBytes < progress.totalBytes) return;
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
