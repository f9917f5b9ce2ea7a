import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { cli, errorCode, resultOf } from '../helpers/cli.js';
import { generateNetplan, isRefusal, NETPLAN_PACKAGES, type Generated } from '../helpers/netplan.js';
import { FAT_OFFSET, inTools, makeSmallImage } from '../helpers/small-image.js';
import { unpackPackages } from '../helpers/unpacked-packages.js';

const tools = inject('toolsTree');
const host = new RealHost({
  facts: readHostFacts(process.env),
  signal: new AbortController().signal,
  environment: process.env,
  offline: false,
});

const WIRED = 'version: 2\nethernets:\n  eth0: { dhcp4: true, optional: true }\n';

let folder: string;
let image: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-inject-networks-'));
  ({ image } = await makeSmallImage(tools, folder, { boot: { 'network-config': WIRED } }));
  await unpackPackages(host, tools, folder, NETPLAN_PACKAGES);
  await writeFile(join(folder, 'first'), 'correct horse\n');
  await writeFile(join(folder, 'second'), 'battery staple\n');
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** The network-config that lies on the boot partition afterwards, as mtools reads it, and what netplan makes of it. */
async function injected(...flags: readonly string[]): Promise<{ readonly config: unknown; readonly made: Generated }> {
  const output = join(folder, 'device.img');
  const done = await cli(['inject', image, '--output', output, '--json', ...flags], { cwd: folder });
  expect(done.exitCode, done.stdout + done.stderr).toBe(0);
  const text = await inTools(tools, folder, 'mtype', ['-i', `device.img@@${FAT_OFFSET}`, '::network-config']);
  await rm(output);
  const made = await generateNetplan(host, tools, folder, text);
  expect(isRefusal(made), `${text}\n${made.said}`).toBe(false);
  return { config: load(text), made };
}

const points = (config: unknown): unknown =>
  (config as { wifis: Record<string, { 'access-points': unknown }> }).wifis['wlan0']?.['access-points'];

describe('networks that "inject" writes', () => {
  it('are two of WPA3, and wpa_supplicant gets both passphrases', async () => {
    const { config, made } = await injected(
      ...[
        '--wifi',
        'work "shop"',
        '--wifi-passphrase-file',
        'first',
        '--wifi',
        'yard',
        '--wifi-passphrase-file',
        'second',
      ],
      ...['--wifi-wpa3', '--country', 'DE'],
    );
    expect(points(config)).toEqual({
      'work "shop"': { auth: { 'key-management': 'sae', password: 'correct horse' } },
      yard: { auth: { 'key-management': 'sae', password: 'battery staple' } },
    });
    const supplicant = made.files['wpa-wlan0.conf'] ?? '';
    expect(supplicant.match(/key_mgmt=SAE/g)).toHaveLength(2);
    expect(supplicant).toContain('country=DE');
    expect(supplicant).toContain('psk="correct horse"');
    expect(supplicant).toContain('psk="battery staple"');
  });

  it('are two of WPA2, of which the seed holds the keys only', async () => {
    const { config, made } = await injected(
      ...[
        '--wifi',
        'workshop',
        '--wifi-passphrase-file',
        'first',
        '--wifi',
        'yard',
        '--wifi-passphrase-file',
        'second',
      ],
    );
    expect(JSON.stringify(config)).not.toMatch(/correct horse|battery staple/);
    expect(made.files['wpa-wlan0.conf']?.match(/psk=[0-9a-f]{64}$/gm)).toHaveLength(2);
  });

  it.each([
    ['peap', 'PEAP', 'phase2="auth=MSCHAPV2"'],
    ['ttls', 'TTLS', 'phase2="auth=MSCHAPV2"'],
    ['pwd', 'PWD', 'identity="ada@example.org"'],
  ])('log in with an account by %s', async (method, eap, also) => {
    const { config, made } = await injected(
      ...['--wifi', 'campus', '--wifi-passphrase-file', 'first', '--wifi-identity', 'ada@example.org'],
      ...['--wifi-eap-method', method],
    );
    expect(points(config)).toMatchObject({
      campus: { auth: { 'key-management': 'eap', method, identity: 'ada@example.org', password: 'correct horse' } },
    });
    const supplicant = made.files['wpa-wlan0.conf'] ?? '';
    for (const line of [
      'key_mgmt=WPA-EAP',
      `eap=${eap}`,
      'identity="ada@example.org"',
      'password="correct horse"',
      also,
    ]) {
      expect(supplicant).toContain(line);
    }
  });

  const ADDRESSES = [
    ...['--address', '10.0.0.7/24', '--address', 'fd00::7/64', '--gateway', '10.0.0.1', '--gateway', 'fd00::1'],
    ...['--route', '10.1.0.0/16,10.0.0.2', '--route', 'fd01::/16,fd00::2', '--nameserver', '10.0.0.1'],
  ];
  const ROUTES = [
    { to: 'default', via: '10.0.0.1' },
    { to: 'default', via: 'fd00::1' },
    { to: '10.1.0.0/16', via: '10.0.0.2' },
    { to: 'fd01::/16', via: 'fd00::2' },
  ];

  it('have fixed addresses and routes of both protocols on the wired port', async () => {
    const { made } = await injected(...ADDRESSES);
    const networkd = made.files['10-netplan-eth0.network'] ?? '';
    for (const line of ['Address=10.0.0.7/24', 'Address=fd00::7/64', 'DNS=10.0.0.1']) expect(networkd).toContain(line);
    expect(networkd).not.toContain('DHCP=');
    const routes = Array.from(networkd.matchAll(/\[Route\]\nDestination=(\S+)\nGateway=(\S+)/g), ([, to, via]) => ({
      to: to === '0.0.0.0/0' || to === '::/0' ? 'default' : to,
      via,
    }));
    expect(routes).toEqual(ROUTES);
  });

  it('have them on the Wi-Fi where --interface names it', async () => {
    const wifi = ['--wifi', 'workshop', '--wifi-passphrase-file', 'first', '--interface', 'wlan0'];
    const { config, made } = await injected(...wifi, ...ADDRESSES);
    expect(config).toMatchObject({
      ethernets: { eth0: { dhcp4: true } },
      wifis: { wlan0: { dhcp4: false, addresses: ['10.0.0.7/24', 'fd00::7/64'], routes: ROUTES } },
    });
    expect(made.files['wpa-wlan0.conf']).toContain('ssid=P"workshop"');
  });

  it('leave the wired port its DHCP when it only gets an address of IPv6', async () => {
    const { made } = await injected('--address', 'fd00::7/64');
    expect(made.files['10-netplan-eth0.network']).toContain('DHCP=ipv4');
    expect(made.files['10-netplan-eth0.network']).toContain('Address=fd00::7/64');
  });

  it.each([
    ['a name that is there twice', ['--wifi', 'x', '--wifi', 'x', '--wifi-open'], 'wifi-ssid-invalid'],
    ['a route without a router', ['--address', '10.0.0.7/24', '--route', '10.1.0.0/16'], 'usage-invalid'],
    ['an address that is none', ['--address', '10.0.0.300/24'], 'address-invalid'],
  ])('are refused with %s, and nothing is written', async (_, flags, code) => {
    const output = join(folder, 'refused.img');
    const done = await cli(['inject', image, '--output', output, '--json', ...flags], { cwd: folder });
    expect(done.exitCode).not.toBe(0);
    const { error } = resultOf(done) as { error?: { problems?: { code: string }[] } };
    expect([errorCode(done), ...(error?.problems ?? []).map((problem) => problem.code)]).toContain(code);
    await expect(rm(output)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
