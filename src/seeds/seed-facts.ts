/** What a seed says, without its secrets: those are "set" or not. */
export type SeedSummary = {
  /** `cloud-config`, or what else the user-data begins with. */
  readonly kind: string;
  readonly hostname?: string;
  readonly instanceId?: string;
  readonly users: readonly SeedUser[];
  readonly timezone?: string;
  /** Packages that the first boot installs. */
  readonly packages: readonly string[];
  readonly writesFiles: readonly string[];
  /** Commands that the first boot runs. */
  readonly commands: number;
  readonly network: SeedNetwork;
  readonly problems: readonly string[];
};

export type SeedUser = {
  readonly name: string;
  readonly password: 'set' | 'none';
  readonly sudo: boolean;
  readonly sshKeys: readonly SeedKey[];
};

export type SeedKey = { readonly type: string; readonly fingerprint: string; readonly comment: string };

export type SeedNetwork = {
  readonly interfaces: readonly SeedInterface[];
};

export type SeedInterface = {
  readonly kind: string;
  readonly name: string;
  /** "dhcp" or fixed addresses. */
  readonly addresses: readonly string[];
  readonly accessPoints: readonly { readonly ssid: string; readonly password: 'set' | 'none' }[];
};
