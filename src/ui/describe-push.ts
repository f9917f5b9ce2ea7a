import type { CollectedDevice } from '../fleet/remote/collect.js';
import type { PushOutcome } from '../fleet/remote/push-device.js';
import type { PushedFleet } from '../fleet/remote/push-fleet.js';

const OUTCOMES = {
  good: 'runs it and keeps it',
  current: 'had it already',
  installed: 'has it in the other slot; the next restart tries it',
  failed: 'failed',
} as const;

export function describeOutcome({ device, outcome, version, slot, reason, code }: PushOutcome): string {
  if (outcome === 'failed')
    return `${(reason ?? '').startsWith(device) ? '' : `${device}: `}${reason ?? ''} [${code ?? ''}]`;
  const where = slot === undefined ? '' : `, slot ${slot}`;
  return `${device}: ${OUTCOMES[outcome]}${version === undefined ? '' : ` (version ${version}${where})`}`;
}

export function describePush({ outcomes, notStarted }: PushedFleet): readonly string[] {
  const count = (wanted: PushOutcome['outcome']): number => outcomes.filter(({ outcome }) => outcome === wanted).length;
  const parts = [
    [count('good'), 'updated'],
    [count('installed'), 'installed'],
    [count('current'), 'had it'],
    [count('failed'), 'failed'],
    [notStarted.length, 'not begun'],
  ] as const;
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed');
  return [
    ...failed.map(describeOutcome),
    parts
      .filter(([number]) => number > 0)
      .map(([number, what]) => `${number} ${what}`)
      .join(', '),
    ...(notStarted.length === 0 ? [] : [`Not begun, because others failed: ${notStarted.join(' ')}`]),
  ];
}

export function describeCollected(devices: readonly CollectedDevice[]): readonly string[] {
  return devices.map(({ device, version, slot, news, reason, code }) =>
    slot === undefined
      ? `${reason ?? device} [${code ?? ''}]`
      : `${device}: version ${version ?? 'unknown'}, slot ${slot}, ${news} new ${news === 1 ? 'update' : 'updates'}`,
  );
}
