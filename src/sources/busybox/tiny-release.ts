import type { TinyText } from './busybox-tree.js';

export type TinyRelease = {
  readonly board: { readonly id: string; readonly name: string };
  /** Of reswarm-os. */
  readonly version: string;
  readonly hostname: string;
  /** Keys of the stages that made the kernel and BusyBox. */
  readonly kernel: string;
  readonly busybox: string;
  /** Where the seed is looked for, in this order: "LABEL=RESWARM", "UUID=1234-ABCD". */
  readonly seedSources: readonly string[];
  readonly sourceDateEpoch: number;
};

/** Twelve digits tell two keys apart, and fit into a line. */
const KEY_DIGITS = 12;

/** What a tiny device knows about itself: hostname, os-release, and what its scripts read. */
export function tinyTexts(release: TinyRelease): readonly TinyText[] {
  const { board, version, hostname, kernel, busybox, seedSources, sourceDateEpoch } = release;
  const osRelease = {
    ID: 'reswarm-tiny',
    NAME: 'Reswarm OS tiny',
    PRETTY_NAME: `Reswarm OS tiny ${version} for ${board.name}`,
    VERSION_ID: version,
    VARIANT: `Reswarm OS for ${board.name}`,
    VARIANT_ID: board.id,
    IMAGE_ID: 'reswarm-os',
    IMAGE_VERSION: version,
  };
  const own = {
    BOARD: board.id,
    BOARD_NAME: board.name,
    VERSION: version,
    KERNEL_KEY: kernel.slice(0, KEY_DIGITS),
    BUSYBOX_KEY: busybox.slice(0, KEY_DIGITS),
    SEED_SOURCES: seedSources.join(' '),
    SOURCE_DATE_EPOCH: sourceDateEpoch.toString(),
  };
  return [
    { path: 'etc/hostname', text: `${hostname}\n` },
    { path: 'etc/os-release', text: assignments(osRelease) },
    { path: 'etc/reswarm-os-release', text: assignments(own) },
  ];
}

function assignments(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}="${value.replace(/["$\\`]/g, '\\$&')}"\n`)
    .join('');
}
