/**
 * What of a device's identity can stand on the kernel's command line: `ds=nocloud;i=…` names the instance and beats
 * the meta-data (cloudinit/sources/DataSourceNoCloud.py, 25.1), `root=PARTUUID=…` names the disk.
 */

const DATASOURCE = /(^|\s)(ds=nocloud(?:-net)?;)(\S*)/;

/** The instance-id of a command line, or undefined. */
export function cmdlineInstanceId(cmdline: string): string | undefined {
  return field(cmdline, ['i', 'instance-id']);
}

/** Where the command line sends cloud-init for its seed, or undefined. */
export function cmdlineSeedFrom(cmdline: string): string | undefined {
  return field(cmdline, ['s', 'seedfrom']);
}

function field(cmdline: string, names: readonly string[]): string | undefined {
  const fields = DATASOURCE.exec(cmdline)?.[3]?.split(';') ?? [];
  const found = fields.find((one) => names.includes(one.split('=')[0] ?? ''));
  return found?.slice(found.indexOf('=') + 1);
}

/** The same line with another instance (and name, where it has one). A line without either stays as it is. */
export function withCmdlineIdentity(cmdline: string, instanceId: string, hostname: string | undefined): string {
  return cmdline.replace(DATASOURCE, (_, before: string, start: string, fields: string) => {
    const changed = fields.split(';').map((one) => {
      const name = one.split('=')[0] ?? '';
      if (name === 'i' || name === 'instance-id') return `${name}=${instanceId}`;
      if ((name === 'h' || name === 'local-hostname') && hostname !== undefined) return `${name}=${hostname}`;
      return one;
    });
    return `${before}${start}${changed.join(';')}`;
  });
}

/**
 * Names partitions of a disk by its new id, wherever the text (cmdline.txt, fstab) names them by the old one:
 * PARTUUID=…-02, /dev/disk/by-partuuid/…-02. The text stays as long as it was.
 */
export function withDiskId(text: string, before: string, after: string): string {
  return text.replaceAll(new RegExp(`(PARTUUID=["']?|/by-partuuid/)${before}(-[0-9a-f]{2})`, 'gi'), `$1${after}$2`);
}

/** COMMAND_LINE_SIZE of arm64 is 2048; the firmware puts words of its own in front of ours. */
export const CMDLINE_LIMIT = 1024;

/** Words of the kernel command line that are derived; `console` from the board's consoles. */
export const DERIVED_CMDLINE_WORDS: readonly string[] = [
  'console',
  'root',
  'rootfstype',
  'rootwait',
  'layers',
  'layers.from',
  'layers.boot',
  'layers.changes',
];
