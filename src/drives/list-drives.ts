import type { BlockDevice } from '../host/drives/block-device.js';
import type { Refusal } from './refusals.js';
import { deviceRefusals } from './refusals.js';
import type { Host } from '../host/host.js';

export type ListedDevice = BlockDevice & {
  /** Nothing speaks against writing to it, as far as that can be known without opening it. */
  readonly writable: boolean;
  readonly refusals: readonly Refusal[];
};

/** Drives of a machine, those that could be written first. Without `all`, what is no drive of its own stays out. */
export async function listDevices(options: { readonly all: boolean }, host: Host): Promise<readonly ListedDevice[]> {
  const devices = (await host.blockDevices())
    .map((device) => ({ device, refusals: deviceRefusals(device, {}) }))
    .filter(({ device }) => options.all || device.kind === 'disk')
    .map(({ device, refusals }) => ({ ...device, writable: refusals.length === 0, refusals }));
  return [...devices.filter(({ writable }) => writable), ...devices.filter(({ writable }) => !writable)];
}
