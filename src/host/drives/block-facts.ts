/** What Linux itself says of a block device, from /sys; it knows less than lsblk, but needs no udev. */
export type SysfsDevice = {
  /** Kernel name: "mmcblk0p1". */
  readonly name: string;
  readonly majorMinor: string;
  /** Kernel name of the disk that this is a partition of. */
  readonly partitionOf?: string;
  /** Kernel names of what this one lies on, and of what lies on this one. */
  readonly slaves: readonly string[];
  readonly holders: readonly string[];
  /** What a loop device or a zram is a copy of: a file, or another device. */
  readonly backingFile?: string;
  /** Number of the device that `backingFile` leads to, where it is one. */
  readonly backingDevice?: string;
  readonly sizeBytes?: number;
  readonly readOnly?: boolean;
  readonly removable?: boolean;
  /** "usb", "mmc", "nvme", "virtio", "ata", … */
  readonly bus?: string;
  readonly vendor?: string;
  readonly model?: string;
  readonly serial?: string;
  /** Number that a memory card carries from its factory. */
  readonly cid?: string;
  /** Of devices on an mmc bus: "SD" or "MMC" (eMMC). */
  readonly mmcType?: string;
  /** Counts up with every disk and every change of medium since the machine started (Linux 5.15). */
  readonly sequence?: number;
};

/** What `blkid --probe` read off a device itself. */
export type ProbedContent = {
  readonly majorMinor: string;
  readonly partitionTable?: string;
  readonly fileSystem?: string;
  readonly label?: string;
};

export type BlockFacts = {
  /** /proc/self/mountinfo, and that of other namespaces that can be read. */
  readonly mountinfo: string;
  /** /proc/swaps. */
  readonly swaps: string;
  readonly sysfs: readonly SysfsDevice[];
  /** Of devices that udev knows nothing of, as in a container. */
  readonly probed?: readonly ProbedContent[];
};

export type DeviceKind =
  /** A whole drive, whatever it is made of. */
  | 'disk'
  | 'partition'
  | 'loop'
  /** Device mapper (LVM, dm-crypt, multipath) and software RAID. */
  | 'mapped'
  | 'optical'
  | 'floppy'
  /** RAM disks and zram. */
  | 'memory'
  /** Boot and replay-protected areas of an eMMC: drives of their own in name only. */
  | 'emmc-area'
  | 'unknown';
