import { randomBytes } from 'node:crypto';
import { appendFile, copyFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { cli } from '../../helpers/cli.js';
import { startFlakyServer } from '../../helpers/flaky-server.js';
import { serve, startServer } from '../../helpers/fault-server.js';
import type { DeviceOptions } from '../../helpers/update-device.js';
import { deviceTree, emptyFolder, UpdateDevice } from '../../helpers/update-device.js';
import { makeTestBundle, makeTrustingImage, makeUpdateKeys } from '../../helpers/update-keys.js';

/** The program of the device with Debian's own rauc, openssl and python. */
describe('reswarm-update', () => {
  let folder = '';
  let tree = '';
  let keys = '';
  let bundle = '';
  let device: UpdateDevice;

  beforeAll(async () => {
    folder = await emptyFolder();
    tree = await deviceTree();
    keys = await makeUpdateKeys(folder, 'keys');
    const image = join(folder, 'ab.img');
    await makeTrustingImage(inject('toolsTree'), image, keys, randomBytes(3_000_000).toString('base64'));
    bundle = join(folder, 'new.raucb');
    await makeTestBundle(image, keys, bundle, '1.0.1');
  });
  afterEach(async () => device.remove());
  afterAll(async () => rm(folder, { recursive: true }));

  const make = async (options: Partial<DeviceOptions> = {}): Promise<void> => {
    device = await UpdateDevice.make(tree, { keyring: await readFile(join(keys, 'root.pem'), 'utf8'), ...options });
  };
  const channel = async (...more: readonly string[]): Promise<void> => {
    const made = await cli([
      'update',
      'channel',
      join(folder, 'stable.channel'),
      '--bundle',
      bundle,
      '--key',
      keys,
      ...more,
    ]);
    expect(made.stderr).not.toContain('Error');
  };
  const errorOf = (answer: Record<string, unknown>): unknown =>
    (answer['error'] as { code?: string } | undefined)?.code;

  it('downloads over a server that fails and cuts connections, and no byte twice', async () => {
    await make();
    const bytes = await readFile(bundle);
    await using server = await startFlakyServer(folder, { cutAfter: 300_000, failEvery: 5 });
    const { exitCode, answer } = await device.update('install', `${server.url}/new.raucb`);
    expect({ exitCode, answer }).toMatchObject({
      exitCode: 0,
      answer: { version: '1.0.1', slot: 'B', rebooting: false },
    });
    expect((await readFile(join(device.folder, 'root/data/reswarm/updates/slot.raucb'))).equals(bytes)).toBe(true);
    expect(server.counts.bodyBytes).toBe(bytes.length);
    expect(server.counts.refused).toBeGreaterThan(1);
    expect(server.counts.cut).toBeGreaterThan(5);
  });

  it('goes on after a restart in the middle of a download', async () => {
    await make();
    const bytes = await readFile(bundle);
    await using server = await startFlakyServer(folder, { cutAfter: 200_000, failEvery: 3 });
    const child = device.start('reswarm-update', ['install', `${server.url}/new.raucb`]);
    while (server.counts.cut < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('close', resolve));
    const { exitCode } = await device.update('install', `${server.url}/new.raucb`);
    expect(exitCode).toBe(0);
    // What was on its way when the power was cut may be asked for again: one piece at most.
    expect(server.counts.bodyBytes).toBeLessThanOrEqual(bytes.length + 200_000);
  });

  it('begins again when the file on the server is another one by now', async () => {
    await make();
    const bytes = await readFile(bundle);
    const other = Buffer.concat([bytes, Buffer.from('x')]);
    await using server = await startServer(
      (_request, response) => {
        response.writeHead(200, { etag: '"old"', 'content-length': other.length });
        response.write(other.subarray(0, 100_000), () => response.socket?.end());
      },
      serve(bytes, '"new"'),
    );
    const { exitCode } = await device.update('install', `${server.url}/new.raucb`);
    expect(exitCode).toBe(0);
  });

  it('says at once that the server has no such file', async () => {
    await make();
    await using server = await startServer((_request, response) => response.writeHead(404).end());
    expect(errorOf((await device.update('install', `${server.url}/none.raucb`)).answer)).toBe('download-failed');
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['no-tryboot the boot loader cannot start a slot for a trial', 'no-tryboot'],
    ['on-trial the trial of slot B is not decided yet', 'on-trial'],
  ])('installs nothing when the gate says %s', async (refused, code) => {
    await make({ refused });
    await copyFile(bundle, join(device.folder, 'root/data/new.raucb'));
    const { exitCode, answer } = await device.update('install', '/data/new.raucb');
    expect([exitCode, errorOf(answer)]).toEqual([1, code]);
    expect(await device.read('data/reswarm/updates/history.ndjson')).toBe('');
  });

  it('refuses an older version and the one that runs, unless it is forced', async () => {
    await make({ version: '1.0.10' });
    await copyFile(bundle, join(device.folder, 'root/data/new.raucb'));
    expect(errorOf((await device.update('install', '/data/new.raucb')).answer)).toBe('older-version');
    await device.write('data/reswarm/updates/version', '1.0.1');
    expect(errorOf((await device.update('install', '/data/new.raucb')).answer)).toBe('same-version');
    expect((await device.update('install', '/data/new.raucb', '--force')).exitCode).toBe(0);
  });

  it('refuses a bundle for another board', async () => {
    await make();
    await device.write(
      'etc/rauc/system.conf',
      (await device.read('etc/rauc/system.conf')).replace('os-test', 'os-rpi5'),
    );
    const facts = await device.read('usr/lib/reswarm/updates/facts');
    await device.write('usr/lib/reswarm/updates/facts', facts.replace('os-test', 'os-rpi5'));
    await copyFile(bundle, join(device.folder, 'root/data/new.raucb'));
    expect(errorOf((await device.update('install', '/data/new.raucb')).answer)).toBe('wrong-board');
  });

  it('refuses the bundle of other keys, and one that was cut off', async () => {
    const others = await makeUpdateKeys(folder, `others-${Date.now()}`);
    await make({ keyring: await readFile(join(others, 'root.pem'), 'utf8') });
    const place = join(device.folder, 'root/data/new.raucb');
    await copyFile(bundle, place);
    expect(errorOf((await device.update('install', '/data/new.raucb')).answer)).toBe('bundle-signature');
    await truncate(place, 4096);
    expect(errorOf((await device.update('install', '/data/new.raucb')).answer)).toBe('bundle-signature');
    expect(errorOf((await device.update('install', '/data/none.raucb')).answer)).toBe('bundle-not-found');
  });

  it('polls: takes the update of the channel once, with a restart', async () => {
    await channel();
    await using server = await startFlakyServer(folder, { cutAfter: 10_000_000, failEvery: 99 });
    await make({ settings: `CHANNEL=${server.url}/stable.channel\nREBOOT=now\n` });
    expect((await device.update('poll')).answer).toMatchObject({
      outcome: 'installed',
      version: '1.0.1',
      rebooting: true,
    });
    expect((await device.update('poll')).answer).toMatchObject({ outcome: 'up-to-date' });
    const { answer } = await device.update('history');
    expect(answer['history']).toMatchObject([
      { event: 'installed', version: '1.0.1', outcome: 'good' },
      { event: 'updated', version: '1.0.1', outcome: 'good' },
    ]);
    expect((await device.update('status')).answer).toMatchObject({
      slot: 'A',
      version: '1.0.1',
      last: { outcome: 'good' },
    });
  });

  it('polls: does not try again what failed here', async () => {
    await channel();
    await using server = await startFlakyServer(folder, { cutAfter: 10_000_000, failEvery: 99 });
    await make({ settings: `CHANNEL=${server.url}/stable.channel\n`, trial: 'failed' });
    expect((await device.update('poll')).answer).toMatchObject({ outcome: 'installed' });
    expect((await device.update('poll')).answer).toMatchObject({
      outcome: 'failed-before',
      reason: 'engine: no answer',
    });
  });

  it('polls: waits for its hour, its share and its minimum', async () => {
    await channel('--share', '0');
    await using server = await startFlakyServer(folder, { cutAfter: 10_000_000, failEvery: 99 });
    await make({ settings: `CHANNEL=${server.url}/stable.channel\nREBOOT=no\n` });
    expect((await device.update('poll')).answer).toMatchObject({ outcome: 'not-in-share' });
    await channel('--minimum', '1.0.0.1');
    expect((await device.update('poll')).answer).toMatchObject({ outcome: 'below-minimum' });
    await channel();
    expect((await device.update('poll')).answer).toMatchObject({ outcome: 'installed', rebooting: false });
    expect((await device.update('poll')).answer).toMatchObject({ outcome: 'waiting', rebooting: false });
  });

  it('polls: refuses a channel of other keys, a changed one and an old one', async () => {
    await channel();
    const old = await readFile(join(folder, 'stable.channel'));
    await channel('--share', '0');
    await using server = await startFlakyServer(folder, { cutAfter: 10_000_000, failEvery: 99 });
    await make({ settings: `CHANNEL=${server.url}/stable.channel\n` });
    expect((await device.update('poll')).answer).toMatchObject({ outcome: 'not-in-share' });
    await writeFile(join(folder, 'stable.channel'), old);
    expect(errorOf((await device.update('poll')).answer)).toBe('channel-old');
    const changed = Buffer.from(old.toString('latin1').replace('"share": 100', '"share": 101'), 'latin1');
    await writeFile(join(folder, 'stable.channel'), changed);
    expect(errorOf((await device.update('poll')).answer)).toBe('channel-signature');
    await writeFile(join(folder, 'stable.channel'), 'no channel');
    expect(errorOf((await device.update('poll')).answer)).toBe('channel-signature');
  });

  it('polls: refuses a bundle that is not the one of the channel', async () => {
    await channel();
    const served = await emptyFolder();
    await copyFile(join(folder, 'stable.channel'), join(served, 'stable.channel'));
    await copyFile(bundle, join(served, 'new.raucb'));
    await appendFile(join(served, 'new.raucb'), 'x');
    await using server = await startFlakyServer(served, { cutAfter: 10_000_000, failEvery: 99 });
    await make({ settings: `CHANNEL=${server.url}/stable.channel\n` });
    expect(errorOf((await device.update('poll')).answer)).toBe('digest-other');
    await rm(served, { recursive: true });
  });

  it('goes back only to a system that is there', async () => {
    await make();
    expect(errorOf((await device.update('rollback')).answer)).toBe('no-other-system');
    const facts = await device.read('usr/lib/reswarm/updates/facts');
    await device.write(
      'usr/lib/reswarm/updates/facts',
      facts.replace('\\"B\\":{\\"state\\":\\"empty\\"', '\\"B\\":{\\"state\\":\\"good\\"'),
    );
    expect((await device.update('rollback')).answer).toMatchObject({ slot: 'B', rebooting: false });
    expect(await device.read('data/reswarm/updates/marks')).toContain('status mark-active other');
    expect((await device.update('mark-good')).answer).toMatchObject({ slot: 'A' });
  });
});
