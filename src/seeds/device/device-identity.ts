import type { Problem } from '../../errors.js';
import type { SeedFile } from '../text/seed.js';

/** A person who may log in. */
export type DeviceUser = {
  readonly name: string;
  /** In clear text; `hashPasswords` puts its hash in its place. */
  readonly password?: string;
  /** As /etc/shadow holds it. */
  readonly passwordHash?: string;
  readonly sshKeys?: readonly string[];
  /** Default: adm, docker, sudo. */
  readonly groups?: readonly string[];
  /** Default: /bin/bash. */
  readonly shell?: string;
};

export type DeviceWifi = {
  readonly ssid: string;
  /** A passphrase of 8 to 63 bytes, or the key itself as 64 hex digits; none for an open network. */
  readonly password?: string;
  /** WPA3 only: such a network needs the passphrase itself, and the seed holds it in clear text. */
  readonly wpa3?: boolean;
  /** An enterprise network (802.1X), where `password` is the account's. */
  readonly account?: WifiAccount;
  readonly hidden?: boolean;
  /** Two capital letters. */
  readonly country?: string;
};

/** Who logs in to an enterprise network, with a password (PEAP and MSCHAPv2, unless `method` says otherwise). */
export type WifiAccount = {
  readonly identity: string;
  readonly method?: 'peap' | 'ttls' | 'pwd';
  /** Path on the device: without it, whoever sets up a network of that name learns the password. */
  readonly caCertificate?: string;
};

export type DeviceRoute = { readonly to: string; readonly via: string };

/** Fixed addresses of the wired port, or of the Wi-Fi where `interface` names it. */
export type DeviceNetwork = {
  /** Default: the only wired device of the network-config, or eth0. */
  readonly interface?: string;
  /** Each with its prefix length: 192.168.1.10/24, fd00::10/64. */
  readonly addresses: readonly string[];
  readonly gateway?: string;
  /** Further routes; `to` is a network, or "default" for the default route of the other protocol. */
  readonly routes?: readonly DeviceRoute[];
  readonly nameservers?: readonly string[];
};

/** A file for the boot partition. */
export type DeviceFile = {
  /** From the root of the partition. */
  readonly path: string;
  readonly content: Uint8Array | string;
  /** Other files in the root whose name matches are removed. */
  readonly replaces?: RegExp;
};

/** Everything that makes one device different from the others of its image. */
export type DeviceIdentity = {
  readonly hostname?: string;
  /** Default: a digest of the seed's content. */
  readonly instanceId?: string;
  readonly users?: readonly DeviceUser[];
  /** Lines of authorized_keys; they go to the first of `users`, or else where `--ssh-key` of a build puts them. */
  readonly sshKeys?: readonly string[];
  /** In place of all networks that the network-config knows. */
  readonly wifi?: readonly DeviceWifi[];
  readonly network?: DeviceNetwork;
  /** As in /usr/share/zoneinfo: Europe/Berlin. */
  readonly timezone?: string;
  /** Whole files in place of those of the image. */
  readonly userData?: SeedFile;
  readonly metaData?: SeedFile;
  readonly networkConfig?: SeedFile;
  /** Lines of config.txt. */
  readonly configTxt?: readonly string[];
  readonly files?: readonly DeviceFile[];
};

/** One edit of a seed's file. */
export type SeedStep = { readonly file: SeedFile; readonly problems: readonly Problem[] };
