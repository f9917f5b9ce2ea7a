import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { readHostFacts } from '../../src/host/read-facts.js';
import { sandboxed } from '../../src/model/sandbox.js';

const run = promisify(execFile);

export type SlotImage = {
  /** Files of the partitions, by their paths; the selector is partition 1. */
  readonly selector?: Readonly<Record<string, string>>;
  readonly boot?: Readonly<Record<string, string>>;
  readonly root?: Readonly<Record<string, string>>;
  /** MiB of the partition 6; that of slot A has 24. */
  readonly slotB?: number;
  readonly blockBytes?: number;
};

const COMMON_BOOT = { 'config.txt': 'arm_64bit=1\n', 'cmdline.in': 'root=PARTUUID=@DISK@-@ROOT@ rauc.slot=@SLOT@\n' };
const COMMON_ROOT = {
  'etc/rauc/system.conf': '[system]\ncompatible=reswarm-os-test\n',
  'usr/lib/os-release': 'ID=debian\nIMAGE_VERSION=1.0.1\n',
};

/** A small image with two slots as the system "ab" divides it: MBR, 1 selector, 2 and 3 boot, 5 and 6 root, 7 data. */
export async function makeSlotImage(toolsTree: string, path: string, image: SlotImage = {}): Promise<void> {
  const folder = `${path}.files`;
  const partitions = {
    selector: { 'autoboot.txt': '[all]\ntryboot_a_b=1\nboot_partition=2\n', ...image.selector },
    boot: { ...COMMON_BOOT, ...image.boot },
    root: { ...COMMON_ROOT, ...image.root },
  };
  for (const [name, files] of Object.entries(partitions)) {
    for (const [file, text] of Object.entries(files)) {
      const place = join(folder, name, file);
      await mkdir(dirname(place), { recursive: true });
      await writeFile(place, text);
    }
  }
  await inTree(toolsTree, dirname(path), SCRIPT, [
    path.slice(dirname(path).length + 1),
    (image.slotB ?? 24).toString(),
    (image.blockBytes ?? 4096).toString(),
  ]);
}

/** Runs a shell script with the programs of a tree in a folder of this machine; gives its stdout. */
export async function inTree(tree: string, folder: string, script: string, words: readonly string[] = []) {
  const mounts = [{ source: folder, target: '/mnt', writable: true }];
  const command = sandboxed(
    { root: tree, mounts, cwd: '/mnt' },
    { file: 'sh', args: ['-ec', script, 'sh', ...words] },
    readHostFacts(process.env).privilege,
  );
  return (await run(command.file, command.args)).stdout;
}

const SCRIPT = `
image=$1; b=$2
truncate -s 0 "$image"; truncate -s $((96 + b))M "$image"
sfdisk --quiet "$image" <<TABLE
label: dos
label-id: 0x1234abcd
1 : start=1MiB, size=8MiB, type=c
2 : start=9MiB, size=16MiB, type=c
3 : start=25MiB, size=16MiB, type=c
4 : start=41MiB, type=5
5 : start=42MiB, size=24MiB, type=83
6 : start=67MiB, size=\${b}MiB, type=83
7 : start=$((68 + b))MiB, type=83
TABLE
export SOURCE_DATE_EPOCH=1793491200
mkfs.vfat -n RESWARM --offset $((1 * 2048)) "$image" 8192 >/dev/null
mkfs.vfat -n BOOT --offset $((9 * 2048)) "$image" 16384 >/dev/null
mcopy -i "$image"@@1M -s "$image".files/selector/* ::/
mcopy -i "$image"@@9M -s "$image".files/boot/* ::/
mke2fs -q -t ext4 -b $3 -d "$image".files/root -E offset=$((42 * 1048576)),hash_seed=12345678-1234-1234-1234-123456789012 -U 12345678-1234-1234-1234-123456789abc "$image" 20M
`;
