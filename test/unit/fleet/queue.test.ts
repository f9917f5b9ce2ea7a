import { describe, expect, it } from 'vitest';
import { fleetStatus } from '../../../src/fleet/fleet-status.js';
import { nextDevices } from '../../../src/fleet/fleet-queue.js';
import { readRecord, recordWritten } from '../../../src/fleet/fleet-record.js';
import { useFolder } from '../../helpers/fleet-texts.js';

const folder = useFolder();
const { signal } = new AbortController();
const FLEET = 'devices:\n  - {name: a, timezone: Europe/Berlin}\n  - {name: b}\n  - {name: c}\n';

const names = ({ devices }: { devices: readonly { name: string }[] }): string[] => devices.map(({ name }) => name);
const written = (device: string, cid: string) => ({
  device,
  at: '2026-11-21T10:00:00.000Z',
  card: { path: '/dev/sdb', cid },
  imageSha256: '00'.repeat(32),
});

describe('the next devices of a fleet', () => {
  it('come in the order of the list, with their identities', async () => {
    const next = await nextDevices(await folder.write('f.yaml', FLEET), 2, { signal });
    expect(next).toMatchObject({
      devices: [{ name: 'a', identity: { hostname: 'a', timezone: 'Europe/Berlin' } }, { name: 'b' }],
      waiting: 1,
      recordPath: `${folder.path}/f.written.ndjson`,
    });
  });

  it('have all their networks and addresses', async () => {
    await folder.write('account', 'pass word\n');
    const text = `defaults:
  wifi: {ssid: plant, passphrase: correct horse, country: DE}
devices:
  - name: a
    wifi-2: {ssid: campus, identity: ada, passphrase-file: account}
    network: {address: 10.0.0.2/24, gateway: 10.0.0.1, address6: "fd00::2/64", gateway6: "fd00::1"}
  - name: b
    wifi-2: {ssid: yard, wpa3: true, passphrase: only for wpa3}
`;
    const { devices } = await nextDevices(await folder.write('f.yaml', text), 2, { signal });
    const plant = { ssid: 'plant', password: 'correct horse', country: 'DE' };
    expect(devices.map(({ identity }) => identity)).toEqual([
      {
        hostname: 'a',
        wifi: [plant, { ssid: 'campus', password: 'pass word', account: { identity: 'ada' } }],
        network: {
          addresses: ['10.0.0.2/24', 'fd00::2/64'],
          gateway: '10.0.0.1',
          routes: [{ to: 'default', via: 'fd00::1' }],
        },
      },
      { hostname: 'b', wifi: [plant, { ssid: 'yard', password: 'only for wpa3', wpa3: true }] },
    ]);
  });

  it('are not claimed when two of their networks have one name', async () => {
    const fleet = await folder.write('f.yaml', 'devices:\n  - {name: a, wifi: {ssid: x}, wifi-2: {ssid: x}}\n');
    await expect(nextDevices(fleet, 1, { signal })).rejects.toMatchObject({ code: 'fleet-values-conflict' });
    expect((await fleetStatus(fleet)).devices).toMatchObject([{ state: 'waiting' }]);
  });

  it('are other ones for each who asks', async () => {
    const fleet = await folder.write('f.yaml', FLEET);
    const all = await Promise.all([1, 1, 1].map((count) => nextDevices(fleet, count, { signal })));
    expect(all.flatMap(names).toSorted()).toEqual(['a', 'b', 'c']);
    await expect(nextDevices(fleet, 1, { signal })).rejects.toMatchObject({ code: 'fleet-exhausted' });
  });

  it('come again when they were released, and not when they were written', async () => {
    const fleet = await folder.write('f.yaml', FLEET);
    const { release, recordPath } = await nextDevices(fleet, 2, { signal });
    await recordWritten(recordPath, written('a', 'x'));
    await release(['b']);
    expect(names(await nextDevices(fleet, 2, { signal }))).toEqual(['b', 'c']);
  });

  it('are chosen by name, also when they were written before', async () => {
    const fleet = await folder.write('f.yaml', FLEET);
    await recordWritten(`${folder.path}/f.written.ndjson`, written('b', 'x'));
    expect(names(await nextDevices(fleet, 2, { signal, only: ['c', 'b'] }))).toEqual(['c', 'b']);
    await expect(nextDevices(fleet, 1, { signal, only: ['c'] })).rejects.toMatchObject({ code: 'fleet-device-busy' });
    await expect(nextDevices(fleet, 1, { signal, only: ['bb'] })).rejects.toMatchObject({
      code: 'fleet-unknown-device',
      hints: ['Did you mean "b"?'],
    });
  });

  it('leave no trace when they are only looked at', async () => {
    const fleet = await folder.write('f.yaml', FLEET);
    const { release, recordPath } = await nextDevices(fleet, 3, { signal, claim: false });
    await release();
    expect(await readRecord(recordPath)).toEqual({ events: [], unreadableLines: [] });
  });

  it('are not claimed when a file that they name is missing', async () => {
    const fleet = await folder.write('f.yaml', 'devices:\n  - {name: a, ssh-keys: [none.pub]}\n');
    await expect(nextDevices(fleet, 1, { signal })).rejects.toMatchObject({ code: 'file-missing' });
    expect((await fleetStatus(fleet)).devices).toEqual([{ device: 'a', state: 'waiting', times: 0 }]);
  });

  it('are refused with every problem of the list', async () => {
    const fleet = await folder.write('f.yaml', 'devices:\n  - {name: a}\n  - {name: a}\n');
    await expect(nextDevices(fleet, 1, { signal })).rejects.toMatchObject({ code: 'fleet-duplicate-name' });
  });
});

describe('the status of a fleet', () => {
  it('says what waits, what is being written, and what was written when to which card', async () => {
    const fleet = await folder.write('f.yaml', FLEET);
    const record = `${folder.path}/f.written.ndjson`;
    await recordWritten(record, written('a', 'x'));
    await recordWritten(record, { ...written('a', 'y'), seedSha256: '11'.repeat(32) });
    await nextDevices(fleet, 1, { signal });
    expect(await fleetStatus(fleet)).toMatchObject({
      record,
      devices: [
        { device: 'a', state: 'written', times: 2, last: { card: { cid: 'y' }, seedSha256: '11'.repeat(32) } },
        { device: 'b', state: 'writing', times: 0 },
        { device: 'c', state: 'waiting', times: 0 },
      ],
      removed: [],
      reusedCards: [],
      unreadableLines: [],
    });
  });

  it('names devices that left the list, and cards that hold another device by now', async () => {
    const fleet = await folder.write('f.yaml', FLEET);
    const record = await folder.write('elsewhere.ndjson', 'torn');
    for (const device of ['a', 'old', 'b']) await recordWritten(record, written(device, 'same'));
    expect(await fleetStatus(fleet, record)).toMatchObject({
      removed: [{ device: 'old' }],
      reusedCards: [{ cid: 'same', devices: ['a', 'old', 'b'] }],
      unreadableLines: [1],
    });
  });
});
