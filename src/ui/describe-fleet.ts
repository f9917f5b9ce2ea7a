import { formatSize } from '../model/bytes.js';
import type { RecordedCard } from '../fleet/record-lines.js';
import { describeProblem, type Problem } from '../errors.js';
import type { FleetImages } from '../fleet/fleet-images.js';
import type { DeviceStatus, FleetStatus } from '../fleet/fleet-status.js';
import type { RenderedFleet } from '../fleet/render-fleet.js';

const SHOWN_DIGEST_LENGTH = 12;
/** A list of more devices is for --json; a person reads how many there are. */
const SHOWN_DEVICES = 20;

export function warnOf(warnings: readonly Problem[]): readonly string[] {
  return warnings.flatMap(({ hint, ...warning }) => [
    `Warning: ${describeProblem(warning)}`,
    ...(hint === undefined ? [] : [`  ${hint}`]),
  ]);
}

export function describeRendered({ rendered, out, incomplete }: RenderedFleet): readonly string[] {
  return [
    ...table([['DEVICE', 'INSTANCE'], ...shown(rendered).map((one) => [one.device, one.instanceId])]),
    ...more(rendered.length),
    ...(incomplete.length === 0
      ? []
      : [`config.txt lines and files of ${some(incomplete)} are no part of a seed; images and cards get them.`]),
    `${rendered.length} ${rendered.length === 1 ? 'seed' : 'seeds'} in ${out}`,
  ];
}

export function describeImages({ images, out, baseSha256 }: FleetImages, whole: boolean): readonly string[] {
  const rows = shown(images).map((one) => [one.file, one.instanceId, formatSize(one.overlayBytes)]);
  const what = whole ? 'image' : 'overlay';
  return [
    ...table([['FILE', 'INSTANCE', whole ? 'DIFFERENT' : 'SIZE'], ...rows]),
    ...more(images.length),
    `${images.length} ${what}${images.length === 1 ? '' : 's'} in ${out}, of the base ${baseSha256.slice(0, SHOWN_DIGEST_LENGTH)}…`,
  ];
}

export function describeNetworkFolders({ images, out }: FleetImages): readonly string[] {
  const rows = shown(images).map((one) => [one.device, one.file, one.instanceId]);
  return [
    ...table([['DEVICE', 'FOLDER', 'INSTANCE'], ...rows]),
    ...more(images.length),
    `${images.length} ${images.length === 1 ? 'device' : 'devices'} in ${out}`,
    'Seeds are readable by you only, and the server has to read them: give the folder to its user (chown -R).',
  ];
}

export function describeStatus(status: FleetStatus): readonly string[] {
  const written = status.devices.filter(({ times }) => times > 0).length;
  return [
    ...table([['DEVICE', 'STATE', 'WRITTEN (UTC)', 'CARD', 'IMAGE'], ...status.devices.map(rowOf)]),
    `${written} of ${status.devices.length} written, by ${status.record}`,
    ...(status.removed.length === 0
      ? []
      : [`Not in the list any more: ${some(status.removed.map(({ device }) => device))}`]),
    ...status.reusedCards.map(
      ({ cid, devices }) => `One card was written for several devices: ${devices.join(', ')} (CID ${cid})`,
    ),
    ...(status.unreadableLines.length === 0
      ? []
      : [
          `Lines of the record that cannot be read: ${status.unreadableLines.join(', ')}; a power cut may have torn them.`,
        ]),
  ];
}

function rowOf({ device, state, times, last }: DeviceStatus): readonly string[] {
  if (last === undefined) return [device, state, '', '', ''];
  const often = times > 1 ? ` (${times} times)` : '';
  return [
    device,
    `${state}${often}`,
    last.at.slice(0, 16).replace('T', ' '),
    cardOf(last.card),
    last.imageSha256.slice(0, SHOWN_DIGEST_LENGTH),
  ];
}

function cardOf({ cid, serial, model, path }: RecordedCard): string {
  const id = cid ?? serial;
  return [model, id].filter((word) => word !== undefined && word !== '').join(' ') || path;
}

function shown<Item>(items: readonly Item[]): readonly Item[] {
  return items.slice(0, SHOWN_DEVICES);
}

function more(count: number): readonly string[] {
  return count > SHOWN_DEVICES ? [`… and ${count - SHOWN_DEVICES} more`] : [];
}

function some(names: readonly string[]): string {
  return [...shown(names), ...(names.length > SHOWN_DEVICES ? ['…'] : [])].join(', ');
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
