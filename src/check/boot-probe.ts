/**
 * How the boot check's probe gets into an image that must stay as it was shipped. The kernel command line carries a
 * unit as a systemd credential (`systemd.extra-unit.*`, systemd >= 256: systemd.system-credentials(7)) and has it
 * started with the default target (`systemd.wants=`, systemd-debug-generator(8)). The unit is small, because arm64
 * takes 2047 characters; it reads the probe itself from the unused sectors between the partition table and the
 * first partition of the throwaway overlay. No file, no partition and no second device is needed.
 * Where the firmware starts the machine nobody hands over a command line: the same credential travels in the SMBIOS
 * tables, and one for a drop-in of the target (`systemd.unit-dropin.*`).
 */

const SECTOR_SIZE_BYTES = 512;
/** Behind a GPT's 34 sectors and a PC's boot loader, 512 KiB from the disk's beginning. */
const PROBE_SECTOR = 1024;
const UNIT_NAME = 'reswarm-proof.service';
const UNIT_CREDENTIAL = `systemd.extra-unit.${UNIT_NAME}`;

export const PROBE_OFFSET_BYTES = PROBE_SECTOR * SECTOR_SIZE_BYTES;

/** The probe as whole sectors; line ends fill the last one, which a shell reads as nothing. */
export function probeSectors(script: string): Buffer {
  const bytes = Buffer.from(script, 'utf8');
  const size = Math.ceil(bytes.length / SECTOR_SIZE_BYTES) * SECTOR_SIZE_BYTES;
  return Buffer.concat([bytes, Buffer.alloc(size - bytes.length, '\n')]);
}

/** Words to add to the kernel command line; `sizeBytes` is that of probeSectors. */
export function probeArguments(sizeBytes: number): readonly string[] {
  const unit = Buffer.from(probeUnit(sizeBytes / SECTOR_SIZE_BYTES), 'utf8').toString('base64');
  return [`systemd.set_credential_binary=${UNIT_CREDENTIAL}:${unit}`, `systemd.wants=${UNIT_NAME}`];
}

/** The same for a machine whose command line is not ours: texts by the names of their credentials. */
export function probeCredentials(sizeBytes: number): Readonly<Record<string, string>> {
  return {
    [UNIT_CREDENTIAL]: probeUnit(sizeBytes / SECTOR_SIZE_BYTES),
    'systemd.unit-dropin.multi-user.target': `[Unit]\nWants=${UNIT_NAME}\n`,
  };
}

/**
 * `/sys/dev/block/<numbers>` is a link to …/<disk>/<partition>. The numbers are those of /boot where that is a partition:
 * a root of layers has none of a disk, and an encrypted one those of its mapping. In a unit, `$$` and `%%` stand for one.
 */
function probeUnit(sectors: number): string {
  const disk =
    '$$(basename $$(dirname $$(readlink /sys/dev/block/$$(findmnt -no MAJ:MIN /boot||findmnt -no MAJ:MIN /))))';
  const read = `dd if=/dev/${disk} bs=${SECTOR_SIZE_BYTES} skip=${PROBE_SECTOR} count=${sectors} status=none`;
  return ['[Service]', `ExecStart=/bin/bash -c 'exec /bin/bash <(${read})'`, 'StandardOutput=null', ''].join('\n');
}
