import { formatSize } from '../model/bytes.js';
import { formatDuration } from '../model/duration.js';
import type { FleetFlash } from '../fleet/flash-fleet.js';
import type { FlashedCard, FlashPlan, FlashResult, PlannedCard } from '../write/flash-image.js';
import { deviceModel, deviceSerial, deviceSize } from './describe-device.js';

const MAPPED_FROM: Readonly<Record<FlashPlan['mappedFrom'], string>> = {
  'block-map': 'what its block map lists',
  'file-systems': 'what its file systems use',
  'all-blocks': 'all of it',
};

/** Image and cards, to the byte: for --dry-run, and above the question. */
export function describeFlashPlan(plan: FlashPlan): readonly string[] {
  return [
    ...describeFlashImage(plan),
    '',
    ...plan.cards.flatMap((card) => [describeCard(card), ...describePersonal(card)]),
  ];
}

export function describeFlashImage(plan: FlashPlan): readonly string[] {
  const { image, compression, imageSizeBytes, writtenBytes, mappedFrom, mapPath, expected } = plan;
  const digests = expected.map(({ type, hex, from }) => `${type.padEnd(6)}  ${hex} (${from})`);
  return [
    `Image   ${image}${compression === 'none' ? '' : `, unpacked (${compression}) on the way`}`,
    `Size    ${exactSize(imageSizeBytes)}`,
    `${plan.verifyOnly ? 'Compare' : 'Write  '} ${writtenBytes === undefined ? '' : `${exactSize(writtenBytes)}: `}${MAPPED_FROM[mappedFrom]}${mapPath === undefined ? '' : ` (${mapPath})`}`,
    ...(digests.length === 0 ? ['sha256  none known: give one with --sha256'] : digests),
    ...(plan.isSigned ? ['Signed  the signature is good'] : []),
  ];
}

function exactSize(sizeBytes: number | undefined): string {
  return sizeBytes === undefined ? 'known at its end' : `${formatSize(sizeBytes)} (${sizeBytes} bytes)`;
}

/** What a card gets, for the question before it is written. */
export function describeWrites(plan: FlashPlan, { personal }: PlannedCard): string {
  const { image, imageSizeBytes, writtenBytes } = plan;
  const isKnown = imageSizeBytes !== undefined && writtenBytes !== undefined;
  const what = isKnown
    ? `${image}, ${formatSize(writtenBytes)} of ${formatSize(imageSizeBytes)}`
    : `${image}, all of it`;
  return personal === undefined ? what : `${what}, as ${personal.name ?? personal.hostname ?? personal.instanceId}`;
}

function describeCard({ device, path }: PlannedCard): string {
  const link = path === device.path ? '' : ` (${path})`;
  return `Card    ${device.path}${link}: ${deviceModel(device)}, ${deviceSize(device)}, serial ${deviceSerial(device)}`;
}

function describePersonal({ personal }: PlannedCard): readonly string[] {
  if (personal === undefined) return [];
  const { name, hostname, instanceId, overlay } = personal;
  const bytes = overlay.extents.reduce((sum, extent) => sum + extent.bytes.length, 0);
  const words = [
    name,
    hostname === name ? undefined : hostname,
    `instance-id ${instanceId}`,
    `seed of ${formatSize(bytes)}`,
  ];
  return [`        as ${words.filter((word) => word !== undefined).join(', ')}`];
}

/** How it went, a line a card. */
export function describeFlashResult(result: FlashResult): readonly string[] {
  const rows = result.cards.map((card) => cells(card, result));
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return [
    ...rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()),
    '',
    ...(result.sha256 === '' ? [] : [`  sha256 of the image  ${result.sha256}`]),
  ];
}

/** What is left of a fleet, and where it is recorded. */
export function describeFleetRest({ recordPath, waiting }: FleetFlash): readonly string[] {
  const left = waiting === 0 ? 'none' : `${waiting} device${waiting === 1 ? '' : 's'}`;
  return [`  left in the fleet    ${left}`, `  recorded in          ${recordPath}`];
}

function cells(card: FlashedCard, result: FlashResult): readonly string[] {
  const { path, name, hostname, failure, resumedBytes, durationMs } = card;
  const rate = (result.writtenBytes / 1e6 / (durationMs / 1000)).toFixed(1);
  const good = result.verifyOnly ? 'holds the image' : 'written and read back';
  const resumed = resumedBytes === 0 ? '' : `, ${formatSize(resumedBytes)} of it taken up from before`;
  return [
    path,
    name ?? hostname ?? '',
    failure === undefined ? 'ok' : 'FAILED',
    failure === undefined
      ? `${good} in ${formatDuration(durationMs)} (${rate} MB/s)${resumed}`
      : `${failure.message} [${failure.code}]`,
  ];
}
