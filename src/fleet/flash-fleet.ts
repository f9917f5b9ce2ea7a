import { encodeDelta } from '../formats/delta/image-delta.js';
import type { Problem } from '../errors.js';
import { describeProblem, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Reporter } from '../pipeline/reporter.js';
import type { FlashedCard, FlashOptions, FlashResult, PlannedCard, PreparedFlash } from '../write/flash-image.js';
import { withFlash } from '../write/flash-image.js';
import type { FleetBaseOptions } from './fleet-base.js';
import { fleetBase } from './fleet-base.js';
import { nextDevices } from './fleet-queue.js';
import { recordWritten } from './fleet-record.js';
import { sha256 } from '../model/sha256.js';

export type FleetCards = {
  /** YAML or CSV file, or a folder of .flock files. */
  readonly path: string;
  /** Default: beside the fleet. */
  readonly record?: string;
  /** These devices, one for each card, whether they were written before or not. */
  readonly only?: readonly string[];
  readonly base: FleetBaseOptions;
  /** The plan is only shown: nobody else has to keep off these devices. */
  readonly planOnly: boolean;
};

export type FleetFlash = PreparedFlash & {
  readonly recordPath: string;
  /** How many devices of the list are left when these are written. */
  readonly waiting: number;
};

/**
 * As withFlash; each card becomes the next device of a fleet that was not written yet. Whoever else writes cards of the
 * same fleet gets other ones. A card that was written and read back is recorded; what was not written is given back.
 * Throws what nextDevices, fleetBase and withFlash throw, and UserError `fleet-cards-mismatch`.
 */
export async function withFleetFlash<Result>(
  options: FlashOptions,
  fleet: FleetCards,
  host: Host,
  reporter: Reporter,
  use: (flash: FleetFlash) => Promise<Result>,
): Promise<Result> {
  requireOneEach(options, fleet);
  const base = await fleetBase(fleet.base, host, reporter);
  const { record, only, planOnly } = fleet;
  const next = await nextDevices(fleet.path, options.to.length, {
    ...(record === undefined ? {} : { record }),
    ...(only === undefined ? {} : { only }),
    claim: !planOnly && !options.verifyOnly,
    signal: host.signal,
  });
  const unwritten = new Set(next.devices.map(({ name }) => name));
  const identified: FlashOptions = {
    ...options,
    identities: next.devices.map(({ name, identity }) => ({ name, identity })),
    personal: { ...options.personal, ...(base.schemas === undefined ? {} : { schemas: base.schemas }) },
  };
  warn(next.devices, reporter);
  try {
    return await withFlash(identified, host, reporter, (flash) => {
      const run = (onCard?: OnCard): Promise<FlashResult> =>
        flash.run(async (card, imageSha256) => {
          const planned = flash.plan.cards.find(({ device }) => device.path === card.path);
          if (card.failure === undefined && !options.verifyOnly && planned !== undefined) {
            await recordCard(next.recordPath, planned, imageSha256);
            unwritten.delete(card.name ?? '');
          }
          await onCard?.(card, imageSha256);
        });
      return use({ plan: flash.plan, run, recordPath: next.recordPath, waiting: next.waiting });
    });
  } finally {
    if (unwritten.size > 0 && !options.verifyOnly) await next.release([...unwritten]);
  }
}

type OnCard = (card: FlashedCard, imageSha256: string) => Promise<void>;

function requireOneEach({ to, verifyOnly }: FlashOptions, { only }: FleetCards): void {
  if (only === undefined) {
    if (!verifyOnly) return;
    throw new UserError('fleet-cards-mismatch', 'Which device is on which card must be said to compare them', {
      hints: ['Name the device of each card, in the order of the cards: --only NAME'],
    });
  }
  const twice = only.find((name, index) => only.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UserError('fleet-cards-mismatch', `${twice} is named twice: two cards would be the same device`, {
      hints: ['Name each device once.'],
    });
  }
  if (only.length === to.length) return;
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  throw new UserError(
    'fleet-cards-mismatch',
    `${count(only.length, 'device')} for ${count(to.length, 'card')}: each card becomes one device`,
    { hints: ['Give as many --only NAME as --to, in the same order.'] },
  );
}

function warn(
  devices: readonly { readonly name: string; readonly warnings: readonly Problem[] }[],
  reporter: Reporter,
): void {
  for (const { warnings } of devices) {
    for (const { hint, ...problem } of warnings) {
      reporter.emit({ type: 'warning', text: describeProblem(problem), ...(hint === undefined ? {} : { hint }) });
    }
  }
}

/** The same overlay digest as that of the file which `fleet images` makes of this image for this device. */
async function recordCard(recordPath: string, { device, personal }: PlannedCard, imageSha256: string): Promise<void> {
  if (personal?.name === undefined) return;
  const { path, sizeBytes, model, serial, cid } = device;
  const overlay = encodeDelta({ overlay: personal.overlay, baseSha256: imageSha256 });
  await recordWritten(recordPath, {
    device: personal.name,
    at: new Date().toISOString(),
    card: {
      path,
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(model === undefined ? {} : { model }),
      ...(serial === undefined ? {} : { serial }),
      ...(cid === undefined ? {} : { cid }),
    },
    imageSha256,
    seedSha256: personal.seedSha256,
    overlaySha256: sha256(overlay),
  });
}
