import type { Interfaces } from '@oclif/core';
import { Args, Flags } from '@oclif/core';
import type { DeviceNetwork, DeviceUser, DeviceWifi } from '../seeds/device/device-identity.js';
import { passwordOrHash } from '../seeds/passwords/password-or-hash.js';
import { sourceDateEpoch as readEpoch } from '../model/source-date-epoch.js';
import { UserError } from '../errors.js';
import { findCloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';
import { readIdentity } from '../provision/device-identity.js';
import type { Injection } from '../provision/inject-image.js';
import { injectImage } from '../provision/inject-image.js';
import { readSecretFile } from '../host/secret-file.js';
import { askSecret } from '../ui/ask-secret.js';
import { confirmInjection } from '../ui/confirm-injection.js';
import { describeInjection, warningsOf } from '../ui/describe-injection.js';
import { seedFlags } from '../ui/seed-flags.js';
import { BaseCommand } from './base-command.js';

/** What a device is to be; `reseed` takes the same. */
export const identityFlags = {
  ...seedFlags,
  user: Flags.string({
    description: 'user who may log in, use sudo and Docker',
    helpValue: 'NAME',
    helpGroup: 'SEED',
  }),
  'password-file': Flags.string({
    description: 'its password, or the hash of it, in the first line of a file; "-" is stdin',
    helpValue: 'FILE',
    helpGroup: 'SEED',
    dependsOn: ['user'],
  }),
  'ask-password': Flags.boolean({
    description: 'ask for its password',
    helpGroup: 'SEED',
    dependsOn: ['user'],
    exclusive: ['password-file'],
  }),
  wifi: Flags.string({
    description: 'name of a Wi-Fi to join; may be given several times',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'SSID',
    helpGroup: 'SEED',
  }),
  'wifi-passphrase-file': Flags.string({
    description:
      'its passphrase, or the key, in the first line of a file; "-" is stdin [default: asked for]. One for each --wifi, in their order',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'FILE',
    helpGroup: 'SEED',
    dependsOn: ['wifi'],
  }),
  'wifi-open': Flags.boolean({
    description: 'it has no passphrase',
    helpGroup: 'SEED',
    dependsOn: ['wifi'],
    exclusive: ['wifi-passphrase-file'],
  }),
  'wifi-hidden': Flags.boolean({ description: 'it does not show its name', helpGroup: 'SEED', dependsOn: ['wifi'] }),
  'wifi-wpa3': Flags.boolean({
    description: 'it is joined by WPA3 only, which needs the passphrase itself; it stands in the seed in clear text',
    helpGroup: 'SEED',
    dependsOn: ['wifi'],
    exclusive: ['wifi-open', 'wifi-identity'],
  }),
  'wifi-identity': Flags.string({
    description: 'account of an enterprise network (802.1X); its password takes the place of the passphrase',
    helpValue: 'NAME',
    helpGroup: 'SEED',
    dependsOn: ['wifi'],
    exclusive: ['wifi-open'],
  }),
  'wifi-eap-method': Flags.option({ options: ['peap', 'ttls', 'pwd'] as const })({
    description: 'how it logs in [default: peap]',
    helpGroup: 'SEED',
    dependsOn: ['wifi-identity'],
  }),
  'wifi-ca-certificate': Flags.string({
    description: 'certificate on the device that the network must show',
    helpValue: 'PATH',
    helpGroup: 'SEED',
    dependsOn: ['wifi-identity'],
  }),
  address: Flags.string({
    description: 'fixed address with its prefix length, of IPv4 or IPv6, instead of DHCP; may be given several times',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'ADDRESS/LENGTH',
    helpGroup: 'SEED',
  }),
  gateway: Flags.string({
    description: 'default route; one of IPv4 and one of IPv6 at most',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'ADDRESS',
    helpGroup: 'SEED',
    dependsOn: ['address'],
  }),
  route: Flags.string({
    description: 'another route: the network and the router, with a comma between them',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NETWORK,ROUTER',
    helpGroup: 'SEED',
    dependsOn: ['address'],
  }),
  nameserver: Flags.string({
    description: 'name server; may be given several times',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'ADDRESS',
    helpGroup: 'SEED',
    dependsOn: ['address'],
  }),
  interface: Flags.string({
    description: 'what the address is for [default: the wired port]; wlan0 is the Wi-Fi',
    helpValue: 'NAME',
    helpGroup: 'SEED',
    dependsOn: ['address'],
  }),
  country: Flags.string({
    description: 'country whose radio rules hold; without it most channels of 5 GHz stay off',
    helpValue: 'DE',
    helpGroup: 'SEED',
    dependsOn: ['wifi'],
  }),
  timezone: Flags.string({ description: 'time zone', helpValue: 'Europe/Berlin', helpGroup: 'SEED' }),
  reswarm: Flags.string({
    description: 'take name, user and Wi-Fi from a .flock or .reswarm file, and put it where the device agent looks',
    helpValue: 'FILE',
    helpGroup: 'SEED',
    exclusive: ['device-ini'],
  }),
  'device-ini': Flags.string({
    description: 'take name, user and Wi-Fi from a device.ini',
    helpValue: 'FILE',
    helpGroup: 'SEED',
  }),
  'config-txt': Flags.string({
    description: 'line for config.txt, under [all]',
    multiple: true,
    helpValue: 'KEY=VALUE',
    helpGroup: 'CONTENT',
  }),
  file: Flags.string({
    description: 'copy a file to the boot partition',
    multiple: true,
    helpValue: 'SRC:DST',
    helpGroup: 'CONTENT',
  }),
};

export default class Inject extends BaseCommand {
  static override summary = 'Give an image or a card its own name, users, keys and networks';
  static override description = `Writes what is different into the FAT partition, in place and without mounting, and reads it back.
A second run with the same values changes nothing. When the content changed, so does the instance-id, and cloud-init
applies the seed on the next boot. Passwords and passphrases are asked for or read from files, and only their hashes
and keys are written.`;
  static override examples = [
    {
      description: 'Name a device and let your key in',
      command: '<%= config.bin %> inject device.img --hostname gate-7 --ssh-key ~/.ssh/id_ed25519.pub',
    },
    {
      description: 'Join a Wi-Fi; the passphrase is asked for',
      command: '<%= config.bin %> inject device.img --wifi workshop --country DE',
    },
    {
      description: 'A fixed address on the Wi-Fi, IPv6 too',
      command:
        '<%= config.bin %> inject device.img --wifi workshop --interface wlan0 --address 10.0.0.7/24 --address fd00::7/64 --gateway 10.0.0.1 --nameserver 10.0.0.1',
    },
    {
      description: 'An enterprise network; the password of the account is asked for',
      command: '<%= config.bin %> inject device.img --wifi campus --wifi-identity ada@example.org --country DE',
    },
    {
      description: 'A user whose password stands in the first line of a file',
      command: '<%= config.bin %> inject device.img --user ada --password-file ./password',
    },
    {
      description: 'Make a device of a packed image',
      command: '<%= config.bin %> inject base.img.xz --hostname gate-7 --output gate-7.img.xz',
    },
    {
      description: 'Make it the device of a swarm',
      command: '<%= config.bin %> inject device.img --reswarm gate-7.flock',
    },
  ];

  static override args = {
    image: Args.string({ required: true, description: 'image file, or a card' }),
  };

  static override flags = {
    ...identityFlags,
    output: Flags.string({
      char: 'o',
      description: 'write a new image instead of changing this one; .xz, .zst or .gz at its end packs it',
      helpValue: 'FILE',
    }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask before a card is written' }),
    'unique-disk-id': Flags.boolean({
      description: 'a disk id, PARTUUIDs and a volume serial of its own, for a machine that will see several cards',
    }),
  };

  async run(): Promise<Injection> {
    const { args, flags } = await this.parse(Inject);
    const workingFolder = process.cwd();
    const sourceDateEpoch = readEpoch(process.env.SOURCE_DATE_EPOCH);
    const { identity, warnings } = await readFlaggedIdentity(flags, workingFolder, this.config.root);
    // What we work in ourselves needs no schema; a person's own files do.
    const isOwn = [flags['user-data'], flags['meta-data'], flags['network-config']].some((path) => path !== undefined);
    const schemas = isOwn ? await findCloudInitSchemas(this.host) : undefined;
    const done = await injectImage(
      {
        image: args.image,
        identity,
        projectDir: this.config.root,
        sourceDateEpoch,
        uniqueDisk: flags['unique-disk-id'],
        confirm: (plan) => confirmInjection(plan, flags.yes),
        ...(flags.output === undefined ? {} : { output: flags.output }),
        ...(schemas === undefined ? {} : { schemas }),
      },
      this.host,
    );
    const injection = { ...done, warnings: [...warnings, ...done.warnings] };
    for (const line of warningsOf(injection)) process.stderr.write(`${line}\n`);
    for (const line of describeInjection(injection)) this.log(line);
    return injection;
  }
}

type IdentityFlags = Interfaces.InferredFlags<typeof identityFlags>;

/** Asks for what is secret, or reads it from the files that were named. Throws what readIdentity throws, and `stdin-twice`. */
export async function readFlaggedIdentity(
  flags: IdentityFlags,
  workingFolder: string,
  projectDir: string,
): ReturnType<typeof readIdentity> {
  const files = [flags['password-file'], ...(flags['wifi-passphrase-file'] ?? [])];
  if (files.filter((file) => file === '-').length > 1) {
    throw new UserError('stdin-twice', 'stdin can hold one password or passphrase', {
      hints: ['Put the others into files.'],
    });
  }
  const user = await readUser(flags, workingFolder);
  const wifi = await readWifi(flags, workingFolder);
  const network = readNetwork(flags);
  return readIdentity({
    workingFolder,
    projectDir,
    sshKeys: flags['ssh-key'] ?? [],
    configTxt: flags['config-txt'] ?? [],
    files: flags.file ?? [],
    ...(flags['user-data'] === undefined ? {} : { userData: flags['user-data'] }),
    ...(flags['meta-data'] === undefined ? {} : { metaData: flags['meta-data'] }),
    ...(flags['network-config'] === undefined ? {} : { networkConfig: flags['network-config'] }),
    ...(flags.hostname === undefined ? {} : { hostname: flags.hostname }),
    ...(flags.timezone === undefined ? {} : { timezone: flags.timezone }),
    ...(flags.reswarm === undefined ? {} : { reswarm: flags.reswarm }),
    ...(flags['device-ini'] === undefined ? {} : { deviceIni: flags['device-ini'] }),
    ...(user === undefined ? {} : { user }),
    ...(wifi === undefined ? {} : { wifi }),
    ...(network === undefined ? {} : { network }),
  });
}

async function readUser(flags: IdentityFlags, workingFolder: string): Promise<DeviceUser | undefined> {
  if (flags.user === undefined) return undefined;
  const file = flags['password-file'];
  const secret =
    file !== undefined
      ? await readSecretFile(file, workingFolder)
      : flags['ask-password']
        ? await askSecret(`Password of ${flags.user}`, '--password-file FILE')
        : undefined;
  if (secret === undefined || secret === '') return { name: flags.user };
  return { name: flags.user, ...passwordOrHash(secret) };
}

async function readWifi(flags: IdentityFlags, workingFolder: string): Promise<readonly DeviceWifi[] | undefined> {
  if (flags.wifi === undefined) return undefined;
  const files = flags['wifi-passphrase-file'] ?? [];
  if (files.length > 0 && files.length !== flags.wifi.length) {
    const message = `--wifi is there ${flags.wifi.length} times, --wifi-passphrase-file ${files.length} times`;
    throw new UserError('usage-invalid', message, { hints: ['Give a file for each network, in their order.'] });
  }
  const networks: DeviceWifi[] = [];
  // One after the other: a terminal answers one question at a time.
  for (const [index, ssid] of flags.wifi.entries()) {
    const password = await readPassphrase(flags, ssid, files[index], workingFolder);
    networks.push({
      ssid,
      ...(password === undefined ? {} : { password }),
      ...(flags['wifi-hidden'] ? { hidden: true } : {}),
      ...(flags['wifi-wpa3'] ? { wpa3: true } : {}),
      ...accountOf(flags),
      ...(flags.country === undefined ? {} : { country: flags.country }),
    });
  }
  return networks;
}

async function readPassphrase(
  flags: IdentityFlags,
  ssid: string,
  file: string | undefined,
  workingFolder: string,
): Promise<string | undefined> {
  if (flags['wifi-open']) return undefined;
  if (file !== undefined) return readSecretFile(file, workingFolder);
  const what = flags['wifi-identity'] === undefined ? 'Passphrase' : `Password of ${flags['wifi-identity']} in`;
  return askSecret(`${what}${what === 'Passphrase' ? ' of' : ''} the Wi-Fi "${ssid}"`, '--wifi-passphrase-file FILE');
}

function accountOf(flags: IdentityFlags): Pick<DeviceWifi, 'account'> {
  const { 'wifi-identity': identity, 'wifi-eap-method': method, 'wifi-ca-certificate': caCertificate } = flags;
  if (identity === undefined) return {};
  const account = {
    identity,
    ...(method === undefined ? {} : { method }),
    ...(caCertificate === undefined ? {} : { caCertificate }),
  };
  return { account };
}

/** What an address is, is said by the check of the seed. */
function readNetwork(flags: IdentityFlags): DeviceNetwork | undefined {
  const { address: addresses, gateway: gateways = [], nameserver: nameservers, interface: name } = flags;
  if (addresses === undefined) return undefined;
  const others = (flags.route ?? []).map((text) => {
    const [to = '', via = '', ...rest] = text.split(',').map((part) => part.trim());
    if (to !== '' && via !== '' && rest.length === 0) return { to, via };
    const hints = ['For example --route 10.1.0.0/16,192.168.1.1'];
    throw new UserError('usage-invalid', `--route ${text} does not name a network and a router`, { hints });
  });
  const routes = [...gateways.map((via) => ({ to: 'default', via })), ...others];
  return {
    addresses,
    ...(routes.length === 0 ? {} : { routes }),
    ...(nameservers === undefined ? {} : { nameservers }),
    ...(name === undefined ? {} : { interface: name }),
  };
}
