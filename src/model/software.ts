/** Where a person wrote it, for messages. */
export type Written = { readonly file?: string; readonly line?: number; readonly column?: number };

/** One file, or one archive, that goes into the root file system. */
export type SoftwareFile = {
  readonly source: { readonly url: string } | { readonly path: string };
  /** Always there for a URL; of a file on this machine it is what the file must hash to, if given. */
  readonly sha256?: string;
  /** Absolute path on the device: of the file, or of the folder that an archive is unpacked into. */
  readonly to: string;
  /** Permission bits of a file; an archive has its own. */
  readonly mode: number;
  /** `user` or `user:group`, names or numbers of the device. */
  readonly owner: string;
  /** A tar archive, of which so many leading folders are dropped. */
  readonly unpack?: { readonly strip: number };
  readonly at: Written;
};

export type SoftwareUnit = {
  readonly name: string;
  readonly text: string;
  readonly enable: boolean;
  readonly at: Written;
  /** Where the text's first line stands, when it is a file of its own. */
  readonly file?: string;
};

/** A program of one's own with what belongs to it, as a board or a --software file names it. */
export type Software = {
  readonly name: string;
  readonly files: readonly SoftwareFile[];
  readonly units: readonly SoftwareUnit[];
};

/** The same with every file's digest known. */
export type PinnedSoftware = Omit<Software, 'files'> & {
  readonly files: readonly (SoftwareFile & { readonly sha256: string })[];
};

/** What the units of software are called on the device. */
export const SOFTWARE_UNIT_FOLDER = 'usr/lib/systemd/system';
export const SOFTWARE_PRESET = 'etc/systemd/system-preset/60-reswarm-software.preset';

/** A systemd.preset(5) file that says which units are enabled, and which are not. */
export function softwarePreset(software: readonly Pick<Software, 'units'>[]): string {
  return software
    .flatMap(({ units }) => units)
    .map(({ name, enable }) => `${enable ? 'enable' : 'disable'} ${name}\n`)
    .join('');
}

/** Places of the device that are not on its root partition, or gone at the next boot. */
export const NOT_ON_THE_ROOT = ['boot', 'dev', 'proc', 'run', 'sys', 'tmp', 'var/run', 'var/lock'];

/** Why nothing can be put there; undefined: it can. */
export function destinationFault(to: string): string | undefined {
  if (!to.startsWith('/')) return 'must be an absolute path';
  const parts = to.slice(1).replace(/\/$/, '').split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'must be a plain path without "." and ".."';
  // eslint-disable-next-line no-control-regex -- exactly these
  if (/[\u0000-\u001f\u007f]/.test(to)) return 'must not hold control characters';
  const place = NOT_ON_THE_ROOT.find((folder) => to === `/${folder}` || to.startsWith(`/${folder}/`));
  return place === undefined ? undefined : `lies in /${place}, which is not on the root partition`;
}

/** As paths are named in dpkg's lists: /bin, /sbin and /lib are links to what lies in /usr. */
export function mergedPath(path: string): string {
  return path.replace(/\/+$/, '').replace(/^\/(bin|sbin|lib)(?=\/|$)/, '/usr/$1');
}

/** A file of its own mode and owner, or an archive that is unpacked. */
export type PlacedFile = {
  readonly source: string;
  /** What stands for its bytes in the key. */
  readonly sha256: string;
  /** Absolute path on the device: of the file, or of the folder for an archive. */
  readonly to: string;
  readonly mode: number;
  /** `user` or `user:group`, names or numbers of the device. */
  readonly owner: string;
  readonly unpack?: { readonly strip: number };
};
