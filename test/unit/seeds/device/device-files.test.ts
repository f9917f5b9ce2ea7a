import { describe, expect, it } from 'vitest';
import { readDeviceIni } from '../../../../src/seeds/device/device-ini.js';
import { readFlock } from '../../../../src/seeds/device/flock.js';
import { withConfigLines, configLineProblems } from '../../../../src/formats/config-txt.js';
import { cmdlineInstanceId, withCmdlineIdentity, withDiskId } from '../../../../src/formats/command-line.js';

const INI = `# of ReswarmOS
[device]
HOSTNAME = "reckless-reindeer"
[user]
USERNAME = "revenent"
PASSWD = "back\\slash 'n #;"
HOME = "/home/revenent"
SHELL = "/bin/bash"
GROUPS = "sudo,docker"
[wifi]
SSID = "Café"
PASSWD = ""
`;
const ini = (text: string) => readDeviceIni({ file: 'device.ini', text });

describe('a device.ini', () => {
  it('names the device, its user and its Wi-Fi; what lies between the quotes is taken as it is', () => {
    expect(ini(INI)).toEqual({
      identity: {
        hostname: 'reckless-reindeer',
        users: [{ name: 'revenent', password: "back\\slash 'n #;", shell: '/bin/bash', groups: ['sudo', 'docker'] }],
        wifi: [{ ssid: 'Café' }],
      },
      problems: [],
      warnings: [],
    });
  });

  it.each([
    [INI.replace('"revenent"', 'revenent'), 'device-ini-unquoted 5:12'],
    [INI.replace('"Café"', "'Café'"), 'device-ini-unquoted 11:8'],
    [INI.replace("'n", '"n'), 'device-ini-quote 6:10'],
    [INI.replace('USERNAME', 'USER'), 'device-ini-unknown 5:1'],
    [INI.replace('[wifi]', '[wlan]'), 'device-ini-unknown 10:1'],
    [INI.replace('[device]\n', ''), 'device-ini-syntax 2:1'],
    [INI.replace('HOSTNAME =', 'HOSTNAME'), 'device-ini-syntax 3:1'],
    ['[wifi]\nSSID = ""\n', 'device-ini-empty undefined:undefined'],
  ])('is refused with its line: %j', (text, expected) => {
    const { problems } = ini(text);
    const [first] = problems.map(({ code, line, column }) => `${code} ${line}:${column}`);
    expect(first).toBe(expected);
    expect(JSON.stringify(problems)).not.toContain('slash');
  });
});

const FLOCK = {
  name: 'gate-7',
  secret: 's3cret',
  status: 'x',
  swarm_key: 1,
  device_key: 2,
  swarm_owner_name: 'Ada.L',
  serial_number: 'b7d2',
  authentication: { key: 'k', certificate: 'c' },
  device_endpoint_url: 'wss://cbw.record-evolution.com/ws-re-dev',
  docker_registry_url: 'registry.reswarm.io/',
  wlanssid: 'workshop',
  password: 'correct horse',
};
const flock = (values: object, file = '/x/d.flock') =>
  readFlock({ file, text: JSON.stringify({ ...FLOCK, ...values }, undefined, 2) });

describe('a .flock file', () => {
  it('names the device, its user and its Wi-Fi, and comes along with the hosts of today', () => {
    const { identity, problems, warnings } = flock({});
    expect(problems).toEqual([]);
    expect(warnings.map(({ code }) => code)).toEqual(['flock-moved-host', 'flock-moved-host']);
    const [file] = identity.files ?? [];
    expect(identity).toMatchObject({
      hostname: 'gate-7',
      users: [{ name: 'ada-l', password: 's3cret' }],
      wifi: [{ ssid: 'workshop', password: 'correct horse' }],
    });
    expect(file).toMatchObject({ path: 'gate-7.flock', replaces: /\.(flock|reswarm)$/i });
    expect(JSON.parse(file?.content as string)).toEqual({
      ...FLOCK,
      device_endpoint_url: 'wss://cbw.ironflock.com/ws-re-dev',
      docker_registry_url: 'registry.ironflock.com/',
    });
  });

  it.each([
    [{ docker_registry_url: 'my-registry.local/' }, 'd.reswarm', 'gate-7.reswarm'],
    [{ wlanssid: '', password: '' }, 'd.flock', 'gate-7.flock'],
  ])('stays as it is otherwise: %j', (values, name, path) => {
    const { identity } = flock({ device_endpoint_url: 'wss://x', docker_registry_url: 'y/', ...values }, name);
    expect(identity.files).toMatchObject([{ path }]);
    expect(JSON.parse(identity.files?.[0]?.content as string)).toMatchObject(values);
  });

  it.each([
    ['Tor 7 (links)', 'Tor-7-links'],
    ['4711', 'device-4711'],
    ['__', 'device'],
  ])('called %s makes a host called %s', (name, hostname) => {
    const { identity, warnings } = flock({ name });
    expect(identity.hostname).toBe(hostname);
    expect(warnings.map(({ code }) => code)).toContain('flock-hostname');
  });

  it.each([
    [{ name: undefined }, 'flock-missing-field 1:1'],
    [{ serial_number: '' }, 'flock-missing-field 8:3'],
    [{ swarm_key: 'one' }, 'flock-wrong-type 5:3'],
    [{ device_key: 1.5 }, 'flock-wrong-type 6:3'],
    [{ authentication: { key: 'k' } }, 'flock-missing-field 9:3'],
    [{ authentication: 'k' }, 'flock-wrong-type 9:3'],
    [{ authentication: { key: '', certificate: 'c' } }, 'flock-missing-field 9:3'],
    [{ authentication: { key: 1, certificate: 'c' } }, 'flock-wrong-type 9:3'],
  ])('is refused without what the agent needs: %j', (values, expected) => {
    expect(flock(values).problems.map(({ code, line, column }) => `${code} ${line}:${column}`)).toEqual([expected]);
  });

  it.each([{}, { key: '', certificate: '' }])('of an appliance needs no certificate: %j', (authentication) => {
    expect(flock({ authentication }).problems).toEqual([]);
  });

  it.each(['{"secret": "s3cret",', '[]', 's3cret', ''])('is refused when it is no JSON object: %j', (text) => {
    const { problems } = readFlock({ file: 'd.flock', text });
    expect(problems.map(({ code }) => code)).toEqual(['flock-syntax']);
    expect(JSON.stringify(problems)).not.toContain('s3cret');
  });
});

describe('config.txt', () => {
  const TEXT = '[all]\nkernel=k\nenable_uart=1\ndtparam=a=on\n\n[pi4]\nenable_uart=0\n';
  it.each([
    [TEXT, 'enable_uart=2', TEXT.replace('uart=1', 'uart=2')],
    [TEXT, 'dtparam=a=on', TEXT],
    [TEXT, 'dtparam=b=on', `${TEXT}\n[all]\ndtparam=b=on\n`],
    [`${TEXT}[all]\n`, 'dtparam=b=on', `${TEXT}[all]\ndtparam=b=on\n`],
    ['', 'a=1', 'a=1\n'],
  ])('%j with %s', (text, line, expected) => {
    const once = withConfigLines(text, [line]);
    expect(once).toBe(expected);
    expect(withConfigLines(once, [line])).toBe(expected);
  });

  it.each(['no equals sign', `a=${'x'.repeat(98)}`, 'a=b\nc=d', '[all]'])('takes no line %j', (line) => {
    expect(configLineProblems([line])).toMatchObject([{ code: 'config-txt-invalid' }]);
  });
});

describe('cmdline.txt', () => {
  it.each([
    ['console=x ds=nocloud;i=old quiet', 'console=x ds=nocloud;i=new quiet'],
    ['ds=nocloud-net;s=http://x/;i=old;h=a', 'ds=nocloud-net;s=http://x/;i=new;h=gate'],
    ['console=x root=y', 'console=x root=y'],
  ])('%s gets the new instance', (before, after) => {
    expect(withCmdlineIdentity(before, 'new', 'gate')).toBe(after);
  });

  it('names the instance', () => {
    expect(cmdlineInstanceId('a ds=nocloud;h=x;i=rpi-imager-1 b')).toBe('rpi-imager-1');
    expect(cmdlineInstanceId('a b')).toBeUndefined();
  });

  it('and fstab name a disk by its new id', () => {
    expect(withDiskId('root=PARTUUID=1234abcd-02 x', '1234abcd', 'ffff0000')).toBe('root=PARTUUID=ffff0000-02 x');
    expect(withDiskId('PARTUUID=1234ABCD-01 / ', '1234abcd', 'ffff0000')).toBe('PARTUUID=ffff0000-01 / ');
    expect(withDiskId('UUID=1234abcd-02', '1234abcd', 'ffff0000')).toBe('UUID=1234abcd-02');
  });
});
