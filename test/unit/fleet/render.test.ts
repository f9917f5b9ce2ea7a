import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { readDefaultSeed } from '../../../src/seeds/compose/read-seed.js';
import { sha512Crypt } from '../../../src/seeds/passwords/sha512-crypt.js';
import { UserError } from '../../../src/errors.js';
import { checkFleet } from '../../../src/fleet/check-fleet.js';
import { checkNetworkConfig } from '../../../src/seeds/network/network-config.js';
import { renderFleet, type RenderedFleet } from '../../../src/fleet/render-fleet.js';
import { checkTinySeed } from '../../../src/seeds/tiny/check-tiny-seed.js';
import { ed25519Key } from '../../helpers/seed-keys.js';
import { flockText, useFolder } from '../../helpers/fleet-texts.js';

const folder = useFolder();
const base = { seed: await readDefaultSeed('cloud-init') };
const { signal } = new AbortController();

async function render(path: string, only?: readonly string[]): Promise<RenderedFleet> {
  const out = join(folder.path, 'seeds');
  return renderFleet({ path, workingFolder: folder.path, out, ...(only === undefined ? {} : { only }) }, base, signal);
}

async function rendered(device: string, name: string): Promise<string> {
  return readFile(join(folder.path, 'seeds', device, name), 'utf8');
}

async function tree(): Promise<Record<string, string>> {
  const out = join(folder.path, 'seeds');
  const names = (await readdir(out, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = names.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(out.length + 1), await readFile(path, 'utf8')] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

async function codesOf(check: Promise<unknown>): Promise<string[]> {
  const error = await check.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof UserError)) throw new Error('nothing was refused');
  return error.problems.map(({ code }) => code);
}

describe('a fleet of tiny systems', () => {
  it('gets seeds that they can read, and no more', async () => {
    const path = await folder.write('tiny.yaml', `devices:\n  - name: gate-1\n    ssh-keys: ["${ed25519Key} ops"]\n`);
    const out = join(folder.path, 'seeds');
    await renderFleet({ path, workingFolder: folder.path, out }, { ...base, isTiny: true }, signal);
    const userData = await rendered('gate-1', 'user-data');
    expect(userData).toContain(ed25519Key);
    expect(userData).not.toContain('docker');
    const files = { userData: { file: 'user-data', text: userData } };
    expect(checkTinySeed(files).problems).toEqual([]);
  });

  it('is refused what they do not do', async () => {
    const text = 'devices:\n  - name: gate-1\n    wifi: { ssid: shop, passphrase: secret-word }\n';
    const path = await folder.write('wifi.yaml', text);
    const check = checkFleet({ path, workingFolder: folder.path }, { ...base, isTiny: true }, signal);
    expect(await codesOf(check)).toEqual(['tiny-seed-key']);
  });
});

describe('the seeds of a fleet', () => {
  const FLEET = `defaults:
  ssh-keys: ["keys/{name}.pub", "${ed25519Key} ops"]
  hostname: "{name}.plant.example.org"
  timezone: Europe/Berlin
  wifi: {ssid: plant, passphrase-file: wifi, country: DE}
  network: {gateway: 10.0.0.1, dns: [10.0.0.1]}
devices:
  - name: gate-1
    network: {address: 10.0.0.11/24}
  - name: gate-2
    instance-id: second
    timezone: Asia/Tokyo
    wifi: {ssid: yard}
    user: {name: ada, password-file: password, groups: [adm]}
    config-txt: {arm_boost: 1}
`;
  async function fleet(): Promise<string> {
    for (const name of ['gate-1', 'gate-2']) await folder.write(`keys/${name}.pub`, `${ed25519Key} ${name}\n`);
    await folder.write('wifi', 'correct horse battery\n');
    await folder.write('password', 'tr0ub4dor\r\n');
    return folder.write('fleet.yaml', FLEET);
  }

  it('hold the values of the device over those of the defaults', async () => {
    const { rendered: list, incomplete } = await render(await fleet());
    expect(list.map(({ device }) => device)).toEqual(['gate-1', 'gate-2']);
    expect(incomplete).toEqual(['gate-2']);
    expect(load(await rendered('gate-1', 'meta-data'))).toMatchObject({
      'instance-id': list[0]?.instanceId,
      'local-hostname': 'gate-1.plant.example.org',
    });
    expect(load(await rendered('gate-1', 'user-data'))).toMatchObject({
      timezone: 'Europe/Berlin',
      users: [{ name: 'reswarm', ssh_authorized_keys: [`${ed25519Key} gate-1`, `${ed25519Key} ops`] }],
    });
    expect(load(await rendered('gate-1', 'network-config'))).toMatchObject({
      ethernets: {
        wired: {
          addresses: ['10.0.0.11/24'],
          routes: [{ to: 'default', via: '10.0.0.1' }],
          nameservers: { addresses: ['10.0.0.1'] },
        },
      },
      // wpa_passphrase plant "correct horse battery"
      wifis: {
        wlan0: {
          'regulatory-domain': 'DE',
          'access-points': { plant: { password: '5de64db4978a12c8e06ce5d772165725e31ccc9aff784ddece24556c9581253e' } },
        },
      },
    });
    expect(load(await rendered('gate-2', 'meta-data'))).toMatchObject({ 'instance-id': 'second' });
    const { users } = load(await rendered('gate-2', 'user-data')) as { users: Record<string, unknown>[] };
    expect(users[0]).toMatchObject({ name: 'ada', groups: ['adm'] });
    const hash = String(users[0]?.['hashed_passwd']);
    expect(sha512Crypt('tr0ub4dor', hash.split('$')[2] ?? '')).toBe(hash);
    expect(
      Object.keys(
        (load(await rendered('gate-2', 'network-config')) as { wifis: { wlan0: { 'access-points': object } } }).wifis
          .wlan0['access-points'],
      ),
    ).toEqual(['yard']);
  });

  it('hold several networks, of WPA3 and with an account, and addresses of both protocols', async () => {
    await folder.write('account', 'päss "word"\n');
    await folder.write('seeds-key.pub', `${ed25519Key} ada\n`);
    const fleetText = `defaults:
  ssh-keys: [seeds-key.pub]
  wifi: {ssid: plant, passphrase: correct horse battery, country: DE}
  wifi-3: {ssid: campus, identity: ada@example.org, passphrase-file: account, eap-method: ttls, ca-certificate: /etc/ssl/campus.pem}
  network: {gateway: 10.0.0.1, gateway6: "fd00::1"}
devices:
  - name: gate-1
    wifi-2: {ssid: yard, wpa3: true, passphrase: only for wpa3, hidden: true}
    network: {address: 10.0.0.11/24, address6: "fd00::11/64", routes: ["10.1.0.0/16, 10.0.0.2", "fd01::/16,fd00::2"], interface: wlan0}
  - name: gate-2
    wifi-3: {ssid: lab}
    network: {address6: "fd00::12/64"}
  - name: gate-3
    network: {address: 10.0.0.13/24}
`;
    const { warnings } = await render(await folder.write('fleet.yaml', fleetText));
    expect(warnings.map(({ code }) => code)).toEqual([]);
    const text = await rendered('gate-1', 'network-config');
    expect(checkNetworkConfig({ file: 'x', text })).toEqual({ problems: [], warnings: [] });
    expect(load(text)).toMatchObject({
      wifis: {
        wlan0: {
          'regulatory-domain': 'DE',
          dhcp4: false,
          addresses: ['10.0.0.11/24', 'fd00::11/64'],
          routes: [
            { to: 'default', via: '10.0.0.1' },
            { to: 'default', via: 'fd00::1' },
            { to: '10.1.0.0/16', via: '10.0.0.2' },
            { to: 'fd01::/16', via: 'fd00::2' },
          ],
          'access-points': {
            plant: { password: '5de64db4978a12c8e06ce5d772165725e31ccc9aff784ddece24556c9581253e' },
            yard: { auth: { 'key-management': 'sae', password: 'only for wpa3' }, hidden: true },
            campus: {
              auth: {
                'key-management': 'eap',
                method: 'ttls',
                identity: 'ada@example.org',
                password: 'päss "word"',
                'ca-certificate': '/etc/ssl/campus.pem',
              },
            },
          },
        },
      },
    });
    // The gateway of IPv4 in the defaults is not for a device that has no such address.
    expect(load(await rendered('gate-2', 'network-config'))).toMatchObject({
      ethernets: { wired: { dhcp4: true, addresses: ['fd00::12/64'], routes: [{ to: 'default', via: 'fd00::1' }] } },
      wifis: { wlan0: { 'access-points': { plant: {}, lab: {} } } },
    });
    expect(load(await rendered('gate-3', 'network-config'))).toMatchObject({
      ethernets: { wired: { addresses: ['10.0.0.13/24'], routes: [{ to: 'default', via: '10.0.0.1' }] } },
    });
  });

  it('are the same from a table', async () => {
    const key = `${ed25519Key} ada`;
    const table = `name,ssh-keys,wifi.ssid,wifi.passphrase,wifi.country,wifi-2.ssid,wifi-2.wpa3,wifi-2.passphrase,wifi-3.ssid,wifi-3.identity,wifi-3.passphrase,network.address,network.address6,network.gateway6,network.routes
a,${key},plant,correct horse,DE,yard,yes,only for wpa3,campus,ada,secret,10.0.0.11/24,fd00::11/64,fd00::1,"10.1.0.0/16,10.0.0.2|10.2.0.0/16,10.0.0.3"
`;
    const list = `devices:
  - name: a
    ssh-keys: [${key}]
    wifi: {ssid: plant, passphrase: correct horse, country: DE}
    wifi-2: {ssid: yard, wpa3: true, passphrase: only for wpa3}
    wifi-3: {ssid: campus, identity: ada, passphrase: secret}
    network: {address: 10.0.0.11/24, address6: "fd00::11/64", gateway6: "fd00::1", routes: ["10.1.0.0/16,10.0.0.2", "10.2.0.0/16,10.0.0.3"]}
`;
    await render(await folder.write('fleet.csv', table));
    const ofTable = await rendered('a', 'network-config');
    await rm(join(folder.path, 'seeds'), { recursive: true });
    await render(await folder.write('fleet.yaml', list));
    expect(await rendered('a', 'network-config')).toBe(ofTable);
    expect(
      Object.keys((load(ofTable) as { wifis: { wlan0: { 'access-points': object } } }).wifis.wlan0['access-points']),
    ).toEqual(['plant', 'yard', 'campus']);
  });

  it('hold no password and no passphrase', async () => {
    await render(await fleet());
    const all = JSON.stringify(await tree());
    expect(all).not.toContain('tr0ub4dor');
    expect(all).not.toContain('correct horse');
  });

  it('are the same bytes each time', async () => {
    const path = await fleet();
    await render(path);
    const first = await tree();
    await render(path);
    expect(await tree()).toEqual(first);
  });

  it('are for their owner only', async () => {
    await render(await fleet());
    const mode = async (path: string) => (await stat(join(folder.path, 'seeds', path))).mode & 0o777;
    expect([await mode(''), await mode('gate-1'), await mode('gate-1/user-data'), await mode('fleet.json')]).toEqual([
      0o700, 0o700, 0o600, 0o600,
    ]);
  });

  it('are made anew for one device, and those of the others stay', async () => {
    const path = await fleet();
    await render(path);
    const before = await tree();
    await writeFile(path, FLEET.replaceAll('timezone: ', 'timezone: Europe/Paris # '));
    await render(path, ['gate-2']);
    const after = await tree();
    expect(after['gate-1/user-data']).toBe(before['gate-1/user-data']);
    expect(after['gate-2/user-data']).not.toBe(before['gate-2/user-data']);
    expect(Object.keys((JSON.parse(after['fleet.json'] ?? '') as { devices: object }).devices)).toEqual([
      'gate-1',
      'gate-2',
    ]);
    await expect(render(path, ['gate-9'])).rejects.toMatchObject({ code: 'fleet-unknown-device' });
  });

  it('are all there or none: a mistake of the last device leaves what was there', async () => {
    const path = await fleet();
    await render(path);
    const before = await tree();
    await writeFile(path, `${FLEET}  - name: gate-3\n    ssh-keys: [none.pub]\n`);
    expect(await codesOf(render(path))).toEqual(['file-missing']);
    expect(await tree()).toEqual(before);
    expect((await readdir(folder.path)).toSorted()).toEqual(['fleet.yaml', 'keys', 'password', 'seeds', 'wifi']);
  });

  it('never take the place of what is not theirs', async () => {
    const path = await fleet();
    await mkdir(join(folder.path, 'seeds'));
    await render(path);
    await folder.write('seeds/notes.txt', 'mine');
    await expect(render(path)).rejects.toMatchObject({ code: 'fleet-output-not-ours' });
    expect(await readFile(join(folder.path, 'seeds/notes.txt'), 'utf8')).toBe('mine');
  });

  it('leave nothing behind when they are interrupted', async () => {
    const path = await fleet();
    const abort = new AbortController();
    abort.abort(new Error('stop'));
    const out = join(folder.path, 'seeds');
    await expect(renderFleet({ path, workingFolder: folder.path, out }, base, abort.signal)).rejects.toThrow('stop');
    expect((await readdir(folder.path)).toSorted()).toEqual(['fleet.yaml', 'keys', 'password', 'wifi']);
  });
});

describe('a fleet of .flock files', () => {
  it('gives each its name, its user and its Wi-Fi, with defaults beside them', async () => {
    await folder.write('flocks/a.flock', flockText('gate-1', 1));
    await folder.write('flocks/a.reswarm', flockText('gate-1', 1));
    await folder.write('flocks/b.reswarm', flockText('gate-2', 2));
    const path = await folder.write('f.yaml', 'defaults: {timezone: Europe/Rome}\ndevices: flocks\n');
    expect((await render(path)).rendered.map(({ device }) => device)).toEqual(['gate-1', 'gate-2']);
    expect(load(await rendered('gate-2', 'user-data'))).toMatchObject({
      timezone: 'Europe/Rome',
      users: [{ name: 'ada' }, {}],
    });
    expect(await rendered('gate-2', 'user-data')).not.toContain('secret of');
    expect(await rendered('gate-2', 'network-config')).not.toContain('a long passphrase');
  });

  it('refuses two files with one identity', async () => {
    await folder.write('flocks/a.flock', flockText('gate-1', 1));
    await folder.write('flocks/b.flock', flockText('gate-2', 1));
    expect(await codesOf(render(join(folder.path, 'flocks')))).toEqual(['fleet-duplicate-flock']);
  });
});

describe('a table', () => {
  it('is read as German Excel writes it: semicolons, BOM, CR LF, quotes', async () => {
    const text = [
      '\uFEFFname;network.address;network.gateway;network.dns;wifi.ssid;wifi.passphrase;wifi.country;wifi.hidden;ssh-keys;config-txt.arm_boost',
      `gate-1;10.0.0.11/24;10.0.0.1;10.0.0.1|1.1.1.1;"Halle; ""Nord""";geheim und lang;DE;yes;${ed25519Key} a|${ed25519Key} b;1`,
      `gate-2;;;;;;;;${ed25519Key};`,
      ';;;;;;;;;',
      '',
    ].join('\r\n');
    const { rendered: list, incomplete } = await render(await folder.write('gates.csv', text));
    expect(list).toHaveLength(2);
    expect(incomplete).toEqual(['gate-1']);
    expect(load(await rendered('gate-1', 'network-config'))).toMatchObject({
      ethernets: { wired: { nameservers: { addresses: ['10.0.0.1', '1.1.1.1'] } } },
      wifis: { wlan0: { 'access-points': { 'Halle; "Nord"': { hidden: true } } } },
    });
    expect(load(await rendered('gate-2', 'network-config'))).not.toHaveProperty('wifis');
  });

  it('takes defaults from a YAML file that names it', async () => {
    await folder.write('lists/gates.csv', 'name,timezone,ssh-keys\na,,key.pub\nb,Asia/Tokyo,\n');
    await folder.write('lists/key.pub', `${ed25519Key} from the folder of the table\n`);
    const path = await folder.write(
      'f.yaml',
      `defaults: {timezone: Europe/Oslo, ssh-keys: ["${ed25519Key} all"]}\ndevices: lists/gates.csv\n`,
    );
    await render(path);
    expect(await rendered('a', 'user-data')).toMatch(/folder of the table(.|\n)*timezone: "Europe\/Oslo"/);
    expect(await rendered('b', 'user-data')).toMatch(/ all"(.|\n)*timezone: "Asia\/Tokyo"/);
  });
});

describe('checking a fleet', () => {
  const check = async (path: string) => checkFleet({ path, workingFolder: folder.path }, base, signal);

  it('shows a mistake of a shared file once, where it stands, and not for each device', async () => {
    await folder.write('user-data', '#cloud-config\nhostname: 12_x\n');
    const path = await folder.write(
      'f.yaml',
      'defaults: {user-data: user-data}\ndevices: [{name: a}, {name: b}, {name: c}]\n',
    );
    const error: unknown = await check(path).catch((thrown: unknown) => thrown);
    const problems = error instanceof UserError ? error.problems : [];
    expect(problems.filter(({ code }) => code === 'hostname-invalid')).toMatchObject([
      { file: 'user-data', line: 2, column: 11 },
    ]);
  });

  it('says once what holds for many, with how many there are', async () => {
    const path = await folder.write('f.yaml', 'devices: [{name: a}, {name: b}, {name: c}]\n');
    const { warnings } = await check(path);
    expect(warnings).toMatchObject([{ code: 'seed-no-login', file: 'f.yaml', line: 1 }]);
    expect(warnings[0]?.message).toContain('2 more devices');
  });

  it('refuses a meta-data that makes one instance of all', async () => {
    await folder.write('meta-data', 'instance-id: always-me\n');
    const path = await folder.write('f.yaml', 'defaults: {meta-data: meta-data}\ndevices: [{name: a}, {name: b}]\n');
    expect(await codesOf(check(path))).toEqual(['fleet-duplicate-instance-id']);
  });

  it.each([
    ['a key file that is not there', 'ssh-keys: [none.pub]', 'file-missing'],
    ['a private key', 'ssh-keys: ["-----BEGIN OPENSSH PRIVATE KEY-----"]', 'ssh-key-private'],
    ['a key that is cut off', 'ssh-keys: ["ssh-ed25519 AAAA"]', 'ssh-key-malformed'],
    ['a time zone that is none', 'timezone: Berlin time', 'timezone-invalid'],
    ['a user without a name', 'user: {groups: [adm]}', 'fleet-user-without-name'],
    ['a Wi-Fi without a name', 'wifi: {country: DE}', 'fleet-wifi-without-ssid'],
    ['a passphrase of seven characters', 'wifi: {ssid: x, passphrase: seven77}', 'wifi-password-invalid'],
    ['WPA3 with a key', `wifi: {ssid: x, wpa3: true, psk: ${'0f'.repeat(32)}}`, 'wifi-password-invalid'],
    ['WPA3 without a passphrase', 'wifi-2: {ssid: x, wpa3: true}', 'wifi-password-invalid'],
    ['an account without a password', 'wifi-3: {ssid: x, identity: me}', 'wifi-password-invalid'],
    ['an account with a quotation mark', "wifi: {ssid: x, identity: 'm\"e', passphrase: y}", 'wifi-password-invalid'],
    ['an account with a key', `wifi: {ssid: x, identity: me, psk: ${'0f'.repeat(32)}}`, 'fleet-values-conflict'],
    ['an account and WPA3', 'wifi: {ssid: x, identity: me, passphrase: y, wpa3: true}', 'fleet-values-conflict'],
    ['a method without an account', 'wifi: {ssid: x, eap-method: ttls}', 'fleet-values-conflict'],
    ['a network that is there twice', 'wifi: {ssid: x}\n    wifi-3: {ssid: x}', 'fleet-values-conflict'],
    ['two countries', 'wifi: {ssid: x, country: DE}\n    wifi-2: {ssid: y, country: FR}', 'fleet-values-conflict'],
    ['a second network without a name', 'wifi-2: {country: DE}', 'fleet-wifi-without-ssid'],
    ['an empty file for a password', 'user: {name: u, password-file: empty}', 'fleet-secret-empty'],
    ['a line that config.txt cannot hold', 'config-txt: {"a b": 1}', 'config-txt-invalid'],
    ['a file that is not there', 'files: ["none.png:logo.png"]', 'file-missing'],
    ['a host name that the user-data contradicts', 'user-data: other', 'hostname-conflict'],
  ])('refuses %s at the device', async (_, line, code) => {
    await folder.write('empty', '\n');
    await folder.write('other', '#cloud-config\nhostname: somebody\n');
    const path = await folder.write('f.yaml', `devices:\n  - name: a\n    ${line}\n`);
    const error: unknown = await check(path).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ problems: [{ code, file: 'f.yaml' }] });
  });

  it('warns of a file that everybody may read when it holds a secret, and only then', async () => {
    const secret = await folder.write(
      'a.yaml',
      `devices: [{name: a, ssh-keys: ["${ed25519Key}"], wifi: {ssid: x, passphrase: hush hush}}]\n`,
    );
    const plain = await folder.write('b.yaml', `devices: [{name: a, ssh-keys: ["${ed25519Key}"]}]\n`);
    expect((await check(secret)).warnings).toMatchObject([{ code: 'wifi-no-country' }]);
    for (const path of [secret, plain]) await writeFile(path, await readFile(path), { mode: 0o644 });
    const { chmod } = await import('node:fs/promises');
    for (const path of [secret, plain]) await chmod(path, 0o644);
    expect((await check(secret)).warnings.map(({ code }) => code)).toContain('fleet-world-readable');
    expect((await check(plain)).warnings).toEqual([]);
  });

  it('finds every value that two of many devices share', async () => {
    const device = fc.record({
      serial: fc.constantFrom('s1', 'S1', 's2', 's3', 's4', 's5', 's6', 's7', 's8'),
      host: fc.integer({ min: 2, max: 12 }),
      mac: fc.integer({ min: 10, max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(device, { minLength: 1, maxLength: 8 }), async (devices) => {
        const rows = devices.map(
          ({ serial, host, mac }, index) => `d${index},${serial},10.0.0.${host}/24,dc:a6:32:00:00:${mac}`,
        );
        const path = await folder.write('f.csv', ['name,serial,network.address,mac', ...rows, ''].join('\n'));
        const repeats = (values: readonly (string | number)[]): number => values.length - new Set(values).size;
        const expected = {
          'fleet-duplicate-serial': repeats(devices.map(({ serial }) => serial.toLowerCase())),
          'fleet-duplicate-address': repeats(devices.map(({ host }) => host)),
          'fleet-duplicate-mac': repeats(devices.map(({ mac }) => mac)),
        };
        const found = await checkFleet({ path, workingFolder: folder.path }, base, signal).then(
          () => [],
          (error: unknown) => (error instanceof UserError ? error.problems.map(({ code }) => code) : [String(error)]),
        );
        const counted = Object.fromEntries(
          Object.keys(expected).map((code) => [code, found.filter((one) => one === code).length]),
        );
        expect(counted).toEqual(expected);
        expect(found).toHaveLength(Object.values(expected).reduce((sum, count) => sum + count, 0));
      }),
      { numRuns: 40 },
    );
  });
});
