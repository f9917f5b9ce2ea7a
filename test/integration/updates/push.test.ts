import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { cli, errorCode, resultOf } from '../../helpers/cli.js';
import type { SshServer } from '../../helpers/ssh-server.js';
import { startSshServer, stopSshServer } from '../../helpers/ssh-server.js';
import type { DeviceOptions } from '../../helpers/update-device.js';
import { deviceTree, emptyFolder, UpdateDevice } from '../../helpers/update-device.js';
import { makeTestBundle, makeTrustingImage, makeUpdateKeys } from '../../helpers/update-keys.js';

const run = promisify(execFile);

type Outcome = { device: string; outcome: string; code?: string };

/** The host's ssh and Debian's sshd. */
describe('update push and fleet collect', () => {
  let folder = '';
  let tree = '';
  let keys = '';
  let bundle = '';
  let identity = '';
  const devices: UpdateDevice[] = [];
  const servers: SshServer[] = [];

  beforeAll(async () => {
    folder = await emptyFolder();
    tree = await deviceTree();
    keys = await makeUpdateKeys(folder, 'keys');
    const image = join(folder, 'ab.img');
    await makeTrustingImage(inject('toolsTree'), image, keys);
    bundle = join(folder, 'new.raucb');
    await makeTestBundle(image, keys, bundle, '1.0.1');
    identity = join(folder, 'id');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', identity]);
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await stopSshServer(server);
    for (const device of devices.splice(0)) await device.remove();
  });
  afterAll(async () => rm(folder, { recursive: true }));

  /** A host that `update push` takes; machine ids differ. */
  const host = async (options: Partial<DeviceOptions> = {}): Promise<string> => {
    const machineId = devices.length.toString().padStart(32, '0');
    const keyring = await readFile(join(keys, 'root.pem'), 'utf8');
    const device = await UpdateDevice.make(tree, { keyring, machineId, ...options });
    devices.push(device);
    const server = await startSshServer(device, identity);
    servers.push(server);
    return `root@127.0.0.1:${server.port}`;
  };
  const ssh = (): readonly string[] => [
    ...['--identity', identity],
    ...['--ssh-option', 'StrictHostKeyChecking=no', '--ssh-option', 'UserKnownHostsFile=/dev/null'],
  ];
  const push = async (...args: readonly string[]) => cli(['update', 'push', ...args, ...ssh(), '--json']);
  const outcomesOf = (result: Awaited<ReturnType<typeof push>>) => resultOf(result)['outcomes'] as Outcome[];

  it('copies, installs, restarts and waits for the decision; a second time there is nothing to do', async () => {
    const gate = await host();
    const first = await push(gate, '--bundle', bundle, '--keyring', join(keys, 'root.pem'));
    expect(outcomesOf(first)).toMatchObject([{ device: gate, outcome: 'good', version: '1.0.1', slot: 'B' }]);
    expect(first.exitCode).toBe(0);
    expect(await devices[0]?.read('data/reswarm/updates/slot.raucb')).toBe(await readFile(bundle, 'utf8'));
    expect(outcomesOf(await push(gate, '--bundle', bundle))).toMatchObject([{ outcome: 'current' }]);
  });

  it('ends after the wave in which more fail than may', async () => {
    const gates = [await host(), await host({ trial: 'failed' }), await host(), await host()];
    const result = await push(...gates, '--bundle', bundle, '--wave', '1', '--wave', '50%', '--jobs', '1');
    expect(result.exitCode).toBe(1);
    expect(outcomesOf(result)).toMatchObject([
      { device: gates[0], outcome: 'good' },
      {
        device: gates[1],
        outcome: 'failed',
        code: 'trial-failed',
        reason: expect.stringContaining('engine: no answer') as string,
      },
    ]);
    expect(resultOf(result)).toMatchObject({ notStarted: gates.slice(2), waves: 3 });
    expect(await devices[2]?.read('data/reswarm/updates/history.ndjson')).toBe('');
  });

  it('goes on while no more fail than may, and says why each failed', async () => {
    const gates = [await host({ refused: 'no-tryboot the boot loader is too old' }), await host()];
    const result = await push('root@127.0.0.1:1', ...gates, '--bundle', bundle, '--max-failures', '2', '--wave', '1');
    expect(outcomesOf(result)).toMatchObject([
      { outcome: 'failed', code: 'device-unreachable' },
      { device: gates[0], outcome: 'failed', code: 'no-tryboot' },
      { device: gates[1], outcome: 'good' },
    ]);
  });

  it('refuses two devices of one machine id, a device named twice and no device', async () => {
    const machineId = 'a'.repeat(32);
    const gates = [await host({ machineId }), await host({ machineId })];
    expect(errorCode(await push(...gates, '--bundle', bundle))).toBe('device-id-twice');
    expect(errorCode(await push('gate', 'gate', '--bundle', bundle))).toBe('device-named-twice');
    expect(errorCode(await push('--bundle', bundle))).toBe('push-hosts');
    expect(errorCode(await push('gate'))).toBe('push-bundle');
    expect(errorCode(await push('gate', '--url', 'ftp://x/y'))).toBe('update-url-invalid');
    expect(errorCode(await push('ga te', '--bundle', bundle))).toBe('host-invalid');
    expect(errorCode(await push('-oProxyCommand=id', '--bundle', bundle))).not.toBe(undefined);
  });

  it('sends only what a cut upload has not sent yet', async () => {
    const gate = await host();
    const bytes = await readFile(bundle);
    const { sha256 } = JSON.parse(
      (await run('sh', ['-c', `printf '{"sha256":"%s"}' $(sha256sum <${bundle} | cut -c 1-64)`])).stdout,
    ) as { sha256: string };
    const place = `data/reswarm/updates/bundles/${sha256.slice(0, 16)}.push.raucb`;
    // Were it sent from the beginning, it would not be this bundle any more.
    await devices[0]?.write(place, '');
    await writeFile(join(devices[0]?.folder ?? '', 'root', place), bytes.subarray(0, 5000));
    expect(outcomesOf(await push(gate, '--bundle', bundle))).toMatchObject([{ outcome: 'good' }]);
    expect(await devices[0]?.read(place)).toBe('');
  });

  it('collects versions and histories of a fleet, each line once, and fleet status shows them', async () => {
    const [one, two] = [await host(), await host({ trial: 'failed' })];
    const fleet = join(folder, 'gates.csv');
    await writeFile(fleet, 'name\ngate-1\ngate-2\ngate-3\n');
    const addresses = ['gate-1=' + one, 'gate-2=' + two, 'gate-3=root@127.0.0.1:1'].flatMap((text) => [
      '--address',
      text,
    ]);
    expect((await push('--fleet', fleet, ...addresses, '--bundle', bundle, '--max-failures', '3')).exitCode).toBe(1);
    const collect = async () => cli(['fleet', 'collect', fleet, ...addresses, ...ssh(), '--json']);
    const first = await collect();
    expect(first.exitCode).toBe(1);
    expect(resultOf(first)['devices']).toMatchObject([
      { device: 'gate-1', version: '1.0.1', slot: 'A', news: 1 },
      { device: 'gate-2', version: '1.0.0', news: 1 },
      { device: 'gate-3', code: 'device-unreachable' },
    ]);
    expect(resultOf(await collect())['devices']).toMatchObject([{ news: 0 }, { news: 0 }, {}]);
    const status = await cli(['fleet', 'status', fleet]);
    expect(status.stdout).toMatch(/gate-1 .* 1\.0\.1 +A .* 1\.0\.1 good/);
    expect(status.stdout).toMatch(/gate-2 .* 1\.0\.0 +A .* 1\.0\.1 failed: engine: no answer/);
  });
});
