import { updateRecord } from '../fleet-record.js';
import type { PushOutcome } from './push-device.js';

/** Notes what a push did to a device; `fleet collect` adds the device's own words later. */
export async function recordOutcome(
  record: string,
  outcome: PushOutcome,
  now: Date,
  signal: AbortSignal,
): Promise<void> {
  if (outcome.outcome === 'current') return;
  const { device, version, slot, reason, bundleSha256 } = outcome;
  await updateRecord(record, signal, () => [
    {
      event: 'updated',
      device,
      at: now.toISOString(),
      ...(version === undefined ? {} : { version }),
      ...(slot === undefined ? {} : { slot }),
      outcome: outcome.outcome,
      ...(reason === undefined ? {} : { reason }),
      ...(bundleSha256 === undefined ? {} : { bundleSha256 }),
    },
  ]);
}
