import type { BlockFacts, SysfsDevice } from '../../src/host/drives/block-facts.js';
import type { RefusalReason } from '../../src/drives/refusals.js';

/** A row of lsblk, as far as a case needs it. */
export type Row = {
  readonly name: string;
  readonly kname?: string;
  readonly type?: string;
  readonly size?: number | null;
  readonly rm?: boolean;
  readonly ro?: boolean;
  readonly tran?: string;
  readonly vendor?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly fstype?: string;
  readonly label?: string;
  readonly uuid?: string;
  readonly pttype?: string;
  readonly sector?: number;
  readonly mounts?: readonly string[];
  readonly children?: readonly Row[];
};

export type Machine = {
  readonly title: string;
  readonly rows: readonly Row[];
  /** Exactly the devices that may be offered to a person. */
  readonly accepted: readonly string[];
  /** Devices that hold the running system: refused whatever flags are given. */
  readonly system: readonly string[];
  /** Reasons that must be among those given. */
  readonly reasons?: Readonly<Record<string, readonly RefusalReason[]>>;
  /** Lines of mountinfo instead of those that the rows' mounts give. */
  readonly mountinfo?: string;
  readonly swaps?: string;
  readonly sysfs?: readonly SysfsDevice[];
  readonly probed?: BlockFacts['probed'];
};

const G = 1e9;
const MB = 1e6;

function part(name: string, fstype?: string, mounts: readonly string[] = [], more: Partial<Row> = {}): Row {
  return { name, type: 'part', size: 10 * G, ...(fstype === undefined ? {} : { fstype }), mounts, ...more };
}

const nvmeRoot: Row = {
  name: 'nvme0n1',
  size: 512110190592,
  tran: 'nvme',
  model: 'SAMSUNG MZVLB512HBJQ-000L7',
  serial: 'S4ENNX0N',
  pttype: 'gpt',
  children: [
    part('nvme0n1p1', 'vfat', ['/boot/efi'], { size: 536870912 }),
    part('nvme0n1p2', 'ext4', ['/'], { size: 511571918848 }),
  ],
};
const sataRoot: Row = {
  name: 'sda',
  size: 250059350016,
  tran: 'sata',
  vendor: 'ATA     ',
  model: 'Samsung_SSD_860_EVO_250GB',
  pttype: 'dos',
  children: [part('sda1', 'ext4', ['/'])],
};
const usbStick: Row = {
  name: 'sdb',
  size: 31914983424,
  rm: true,
  tran: 'usb',
  vendor: 'SanDisk ',
  model: 'Cruzer Fit',
  pttype: 'dos',
  children: [part('sdb1', 'vfat', [], { label: 'STICK' })],
};
const card: Row = {
  name: 'mmcblk0',
  size: 31914983424,
  pttype: 'dos',
  children: [part('mmcblk0p1', 'vfat', [], { label: 'bootfs' }), part('mmcblk0p2', 'ext4', [], { label: 'rootfs' })],
};
const sdType: SysfsDevice = {
  name: 'mmcblk0',
  majorMinor: '179:0',
  slaves: [],
  holders: [],
  bus: 'mmc',
  mmcType: 'SD',
  cid: '035344534c33324780',
  readOnly: false,
};

function emmc(name: string, children: readonly Row[]): readonly Row[] {
  return [
    { name, size: 31268536320, pttype: 'gpt', children },
    { name: `${name}boot0`, size: 4194304, ro: true },
    { name: `${name}boot1`, size: 4194304, ro: true },
    { name: `${name}rpmb`, size: 4194304 },
  ];
}

/** Machines as they stand on desks, in racks and in the field. */
export const MACHINES: readonly Machine[] = [
  {
    title: 'laptop with NVMe root and a USB stick',
    rows: [nvmeRoot, usbStick],
    accepted: ['/dev/sdb'],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/nvme0n1': ['running-system', 'too-large', 'built-in'], '/dev/sdb1': ['partition'] },
  },
  {
    title: 'laptop with an SD card in its PCIe slot',
    rows: [nvmeRoot, card],
    sysfs: [sdType],
    accepted: ['/dev/mmcblk0'],
    system: ['/dev/nvme0n1'],
  },
  {
    title: 'card reader without a card',
    rows: [nvmeRoot, { name: 'sdb', size: 0, rm: true, tran: 'usb', vendor: 'Generic-', model: 'SD/MMC' }],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['no-medium'] },
  },
  {
    title: 'card reader of which lsblk tells no size',
    rows: [nvmeRoot, { name: 'sdb', size: null, rm: true, tran: 'usb' }],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['no-medium'] },
  },
  {
    title: 'card reader with four slots, one of them filled',
    rows: [
      nvmeRoot,
      ...['sdb', 'sdc', 'sde'].map((name) => ({ name, size: 0, rm: true, tran: 'usb', model: 'Compact Flash' })),
      { name: 'sdd', size: 15931539456, rm: true, tran: 'usb', model: 'SD/MMC' },
    ],
    accepted: ['/dev/sdd'],
    system: ['/dev/nvme0n1'],
  },
  {
    title: 'card that the desktop has mounted',
    rows: [
      nvmeRoot,
      {
        name: 'sdb',
        size: 31914983424,
        rm: true,
        tran: 'usb',
        children: [part('sdb1', 'vfat', ['/media/anna/bootfs']), part('sdb2', 'ext4', ['/media/anna/rootfs'])],
      },
    ],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['mounted'], '/dev/sdb2': ['mounted', 'partition'] },
  },
  {
    title: 'stick without a partition table, mounted as a whole',
    rows: [nvmeRoot, { name: 'sdb', size: 8 * G, rm: true, tran: 'usb', fstype: 'vfat', mounts: ['/run/media/x/A B'] }],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['mounted'] },
  },
  {
    title: 'card with its lock switch on',
    rows: [nvmeRoot, { name: 'sdb', size: 32 * G, rm: true, ro: true, tran: 'usb' }],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['read-only'] },
  },
  {
    title: 'Raspberry Pi running from its card, with a reader for the next one',
    rows: [
      { ...card, children: [part('mmcblk0p1', 'vfat', ['/boot/firmware']), part('mmcblk0p2', 'ext4', ['/'])] },
      { name: 'sda', size: 31914983424, rm: true, tran: 'usb', model: 'STORAGE DEVICE' },
    ],
    sysfs: [sdType],
    accepted: ['/dev/sda'],
    system: ['/dev/mmcblk0'],
    reasons: { '/dev/mmcblk0': ['running-system'] },
  },
  {
    title: 'Raspberry Pi running from a USB disk, with a card in its slot',
    rows: [
      {
        name: 'sda',
        size: 120034123776,
        tran: 'usb',
        children: [part('sda1', 'vfat', ['/boot']), part('sda2', 'ext4', ['/'])],
      },
      card,
    ],
    sysfs: [sdType],
    accepted: ['/dev/mmcblk0'],
    system: ['/dev/sda'],
  },
  {
    title: 'Compute Module running from its eMMC',
    rows: emmc('mmcblk0', [part('mmcblk0p1', 'vfat', ['/boot/firmware']), part('mmcblk0p2', 'ext4', ['/'])]),
    accepted: [],
    system: ['/dev/mmcblk0'],
    reasons: { '/dev/mmcblk0boot0': ['not-a-drive'], '/dev/mmcblk0rpmb': ['not-a-drive'] },
  },
  {
    title: 'tablet with Windows on its eMMC, started from a USB stick, and a card',
    rows: [
      { name: 'sda', size: 62 * G, rm: true, tran: 'usb', children: [part('sda1', 'ext4', ['/'])] },
      ...emmc('mmcblk0', [part('mmcblk0p1', 'vfat'), part('mmcblk0p2', 'ntfs')]),
      { name: 'mmcblk1', size: 15931539456 },
    ],
    accepted: ['/dev/mmcblk1'],
    system: ['/dev/sda'],
    reasons: { '/dev/mmcblk0': ['built-in'], '/dev/mmcblk0boot1': ['not-a-drive', 'read-only'] },
  },
  {
    title: 'eMMC that only /sys calls one',
    rows: [sataRoot, { ...card, children: [] }],
    sysfs: [{ ...sdType, mmcType: 'MMC' }],
    accepted: [],
    system: ['/dev/sda'],
    reasons: { '/dev/mmcblk0': ['built-in'] },
  },
  {
    title: 'LVM on LUKS on NVMe',
    rows: [
      {
        ...nvmeRoot,
        children: [
          part('nvme0n1p1', 'vfat', ['/boot/efi']),
          part('nvme0n1p2', 'ext4', ['/boot']),
          part('nvme0n1p3', 'crypto_LUKS', [], {
            children: [
              {
                name: 'nvme0n1p3_crypt',
                kname: 'dm-0',
                type: 'crypt',
                size: 500 * G,
                fstype: 'LVM2_member',
                children: [
                  { name: 'vg-root', kname: 'dm-1', type: 'lvm', size: 480 * G, fstype: 'ext4', mounts: ['/'] },
                  { name: 'vg-swap', kname: 'dm-2', type: 'lvm', size: 8 * G, fstype: 'swap', mounts: ['[SWAP]'] },
                ],
              },
            ],
          }),
        ],
      },
      usbStick,
    ],
    accepted: ['/dev/sdb'],
    system: ['/dev/nvme0n1', '/dev/nvme0n1p3', '/dev/dm-0', '/dev/dm-1'],
    reasons: { '/dev/nvme0n1': ['running-system', 'in-use', 'member'], '/dev/dm-1': ['running-system', 'not-a-drive'] },
  },
  {
    title: 'system on an external USB disk, through LVM',
    rows: [
      {
        name: 'sda',
        size: 128 * G,
        tran: 'usb',
        children: [
          part('sda1', 'LVM2_member', [], {
            children: [{ name: 'usb-root', kname: 'dm-0', type: 'lvm', size: 90 * G, fstype: 'xfs', mounts: ['/'] }],
          }),
        ],
      },
      usbStick,
    ],
    accepted: ['/dev/sdb'],
    system: ['/dev/sda'],
  },
  {
    title: 'LVM without partitions, not activated',
    rows: [sataRoot, { name: 'sdb', size: 200 * G, rm: true, tran: 'usb', fstype: 'LVM2_member' }],
    accepted: [],
    system: ['/dev/sda'],
    reasons: { '/dev/sdb': ['member'] },
  },
  {
    title: 'RAID 1 of two SATA disks under everything',
    rows: ['sda', 'sdb'].map((name) => ({
      name,
      size: 200 * G,
      tran: 'sata',
      children: [
        part(`${name}1`, 'linux_raid_member', [], {
          children: [{ name: 'md0', type: 'raid1', size: 199 * G, fstype: 'ext4', mounts: ['/'] }],
        }),
      ],
    })),
    accepted: [],
    system: ['/dev/sda', '/dev/sdb', '/dev/md0'],
    reasons: { '/dev/sdb': ['running-system', 'in-use', 'member'] },
  },
  {
    title: 'one disk of a RAID 1, unplugged and put into a USB dock',
    rows: [nvmeRoot, { name: 'sdb', size: 200 * G, tran: 'usb', children: [part('sdb1', 'linux_raid_member')] }],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['member'] },
  },
  {
    title: 'firmware RAID (Intel) with root on an array partition',
    rows: ['sda', 'sdb'].map((name) => ({
      name,
      size: 240 * G,
      tran: 'sata',
      fstype: 'isw_raid_member',
      children: [
        {
          name: 'md126',
          type: 'raid1',
          size: 230 * G,
          children: [part('md126p1', 'vfat', ['/boot/efi']), part('md126p2', 'ext4', ['/'])],
        },
      ],
    })),
    accepted: [],
    system: ['/dev/sda', '/dev/sdb', '/dev/md126'],
  },
  {
    title: 'NAS: four disks in RAID 5 with LVM, root on a USB stick',
    rows: [
      { name: 'sde', size: 16 * G, rm: true, tran: 'usb', children: [part('sde1', 'ext4', ['/'])] },
      ...['sda', 'sdb', 'sdc', 'sdd'].map((name) => ({
        name,
        size: 12000138625024,
        tran: 'sata',
        fstype: 'linux_raid_member',
        children: [
          {
            name: 'md0',
            type: 'raid5',
            size: 36000 * G,
            fstype: 'LVM2_member',
            children: [{ name: 'nas-data', kname: 'dm-0', type: 'lvm', size: 36000 * G, mounts: ['/srv/data'] }],
          },
        ],
      })),
    ],
    accepted: [],
    system: ['/dev/sde'],
    reasons: { '/dev/sdc': ['running-system', 'in-use', 'member', 'too-large', 'built-in'] },
  },
  {
    title: 'RAID of USB disks that is not assembled',
    rows: [
      nvmeRoot,
      ...['sdb', 'sdc', 'sdd'].map((name) => ({ name, size: 120 * G, tran: 'usb', fstype: 'linux_raid_member' })),
    ],
    accepted: [],
    system: ['/dev/nvme0n1'],
  },
  {
    title: 'ZFS root on two NVMe drives',
    rows: ['nvme0n1', 'nvme1n1'].map((name) => ({
      name,
      size: 200 * G,
      tran: 'nvme',
      children: [part(`${name}p1`, 'vfat'), part(`${name}p3`, 'zfs_member', [], { label: 'rpool' })],
    })),
    mountinfo: '30 1 0:26 / / rw - zfs rpool/ROOT/debian rw\n31 30 0:27 / /home rw - zfs rpool/home rw',
    accepted: [],
    system: ['/dev/nvme0n1', '/dev/nvme1n1'],
    reasons: { '/dev/nvme1n1': ['running-system', 'member'] },
  },
  {
    title: 'USB stick that carries a ZFS pool',
    rows: [nvmeRoot, { ...usbStick, children: [part('sdb1', 'zfs_member')] }],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['member'] },
  },
  {
    title: 'btrfs root over two disks, mounted with a number of its own',
    rows: ['sda', 'sdb'].map((name) => ({
      name,
      size: 240 * G,
      tran: name === 'sdb' ? 'usb' : 'sata',
      children: [part(`${name}1`, 'btrfs', name === 'sda' ? ['/', '/home'] : [], { uuid: '9b7c-btrfs' })],
    })),
    mountinfo: '30 1 0:30 /@ / rw - btrfs /dev/sda1 rw\n31 1 0:30 /@home /home rw - btrfs /dev/sda1 rw',
    accepted: [],
    system: ['/dev/sda', '/dev/sdb'],
    reasons: { '/dev/sdb': ['running-system', 'member'] },
  },
  {
    title: 'btrfs root on a whole disk, of which lsblk tells no mount',
    rows: [{ name: 'sda', size: 120 * G, tran: 'usb', fstype: 'btrfs' }, { ...usbStick }],
    mountinfo: '30 1 0:30 /root / rw - btrfs /dev/sda rw',
    accepted: ['/dev/sdb'],
    system: ['/dev/sda'],
  },
  {
    title: 'USB hard disk of 4 TB beside a card',
    rows: [
      nvmeRoot,
      { name: 'sdb', size: 4000787030016, tran: 'usb', model: 'Elements 25A3', children: [part('sdb1', 'ntfs')] },
      { name: 'sdc', size: 31914983424, rm: true, tran: 'usb' },
    ],
    accepted: ['/dev/sdc'],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['too-large'] },
  },
  {
    title: 'USB hard disk with sectors of 4096 bytes',
    rows: [nvmeRoot, { name: 'sdb', size: 200 * G, tran: 'usb', sector: 4096 }],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['sector-size'] },
  },
  {
    title: 'NVMe drive in a USB case',
    rows: [nvmeRoot, { name: 'sda', size: 128035676160, tran: 'usb', vendor: 'Realtek', model: 'RTL9210B-CG' }],
    accepted: ['/dev/sda'],
    system: ['/dev/nvme0n1'],
  },
  {
    title: 'second, empty NVMe drive in the machine',
    rows: [nvmeRoot, { name: 'nvme1n1', size: 128 * G, tran: 'nvme' }],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/nvme1n1': ['built-in'] },
  },
  {
    title: 'Ubuntu desktop with snaps on loop devices',
    rows: [
      nvmeRoot,
      ...[0, 1, 2].map((number) => ({
        name: `loop${number}`,
        type: 'loop',
        size: 65 * MB,
        ro: true,
        fstype: 'squashfs',
        mounts: [`/snap/core20/${number}`],
      })),
    ],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/loop1': ['running-system', 'loop-not-named', 'read-only'] },
  },
  {
    title: 'Fedora with zram swap',
    rows: [nvmeRoot, { name: 'zram0', size: 8 * G, mounts: ['[SWAP]'] }, usbStick],
    accepted: ['/dev/sdb'],
    system: ['/dev/nvme0n1', '/dev/zram0'],
    reasons: { '/dev/zram0': ['running-system', 'not-a-drive'] },
  },
  {
    title: 'RAM disks',
    rows: [sataRoot, ...[0, 1].map((number) => ({ name: `ram${number}`, size: 64 * MB, rm: true }))],
    accepted: [],
    system: ['/dev/sda'],
    reasons: { '/dev/ram0': ['not-a-drive'] },
  },
  {
    title: 'CD-ROM and floppy',
    rows: [
      sataRoot,
      { name: 'sr0', type: 'rom', size: 4 * G, rm: true, tran: 'usb', ro: false, fstype: 'iso9660' },
      { name: 'fd0', size: 1474560, rm: true },
    ],
    accepted: [],
    system: ['/dev/sda'],
    reasons: { '/dev/sr0': ['not-a-drive'], '/dev/fd0': ['not-a-drive'] },
  },
  {
    title: 'virtual machine with a virtio disk and an empty second one',
    rows: [
      { name: 'vda', size: 20 * G, tran: 'virtio', vendor: '0x1af4', children: [part('vda1', 'ext4', ['/'])] },
      { name: 'vdb', size: 20 * G, tran: 'virtio', vendor: '0x1af4' },
    ],
    accepted: [],
    system: ['/dev/vda'],
    reasons: { '/dev/vdb': ['built-in'] },
  },
  {
    title: 'WSL 2: a system on virtual disks',
    rows: [
      { name: 'sda', size: 388 * MB, ro: true, model: 'Virtual Disk', fstype: 'ext4' },
      { name: 'sdb', size: 4 * G, model: 'Virtual Disk', fstype: 'swap', mounts: ['[SWAP]'] },
      { name: 'sdc', size: 1099511627776, model: 'Virtual Disk', fstype: 'ext4', mounts: ['/mnt/wslg/distro', '/'] },
    ],
    accepted: [],
    system: ['/dev/sdb', '/dev/sdc'],
  },
  {
    title: 'live system from a USB stick, disks of the machine untouched',
    rows: [
      {
        name: 'sdb',
        size: 16 * G,
        rm: true,
        tran: 'usb',
        fstype: 'iso9660',
        children: [part('sdb1', 'iso9660', ['/run/live/medium'])],
      },
      { name: 'sda', size: 240 * G, tran: 'sata', children: [part('sda1', 'ntfs')] },
      { name: 'sdc', size: 16 * G, rm: true, tran: 'usb' },
      { name: 'loop0', type: 'loop', size: 2 * G, ro: true, fstype: 'squashfs', mounts: ['/run/live/rootfs'] },
    ],
    mountinfo: [
      '29 1 0:27 / / rw - overlay overlay rw,lowerdir=/run/live/rootfs',
      '30 29 8:17 / /run/live/medium ro - iso9660 /dev/sdb1 ro',
      '31 29 7:0 / /run/live/rootfs ro - squashfs /dev/loop0 ro',
    ].join('\n'),
    accepted: ['/dev/sdc'],
    system: ['/dev/sdb', '/dev/loop0'],
    reasons: { '/dev/sda': ['built-in', 'system-unknown'] },
  },
  {
    title: 'container that sees the disks of its host and not the mounts',
    rows: [
      { name: 'sda', size: 240 * G, tran: 'sata', children: [part('sda1')] },
      { name: 'sdb', size: 16 * G, rm: true, tran: 'usb' },
    ],
    mountinfo: '29 1 0:27 / / rw - overlay overlay rw',
    accepted: ['/dev/sdb'],
    system: [],
    reasons: { '/dev/sda': ['built-in', 'system-unknown'] },
  },
  {
    title: 'container on a Raspberry Pi: only a file of the host is mounted from its card',
    rows: [{ ...card, children: [part('mmcblk0p1'), part('mmcblk0p2')] }],
    sysfs: [sdType],
    mountinfo: [
      '29 1 0:27 / / rw - overlay overlay rw',
      '30 29 179:2 /var/lib/docker/containers/1/hosts /etc/hosts rw - ext4 /dev/mmcblk0p2 rw',
    ].join('\n'),
    accepted: [],
    system: ['/dev/mmcblk0'],
    reasons: { '/dev/mmcblk0': ['running-system'] },
  },
  {
    title: 'container without udev: blkid found the array that lsblk did not see',
    rows: [
      sataRoot,
      { name: 'sdb', size: 120 * G, rm: true, tran: 'usb' },
      { name: 'sdc', size: 16 * G, rm: true, tran: 'usb' },
    ],
    probed: [
      { majorMinor: '8:16', fileSystem: 'LVM2_member' },
      { majorMinor: '8:32', partitionTable: 'dos' },
    ],
    accepted: ['/dev/sdc'],
    system: ['/dev/sda'],
    reasons: { '/dev/sdb': ['member'] },
  },
  {
    title: 'multipath: two ways to one volume of a storage network',
    rows: [
      sataRoot,
      ...['sdb', 'sdc'].map((name) => ({
        name,
        size: 100 * G,
        tran: 'fc',
        fstype: 'mpath_member',
        children: [{ name: 'mpatha', kname: 'dm-0', type: 'mpath', size: 100 * G, fstype: 'xfs', mounts: ['/srv'] }],
      })),
    ],
    accepted: [],
    system: ['/dev/sda', '/dev/sdb', '/dev/sdc'],
    reasons: { '/dev/sdc': ['in-use', 'member'] },
  },
  {
    title: 'root on multipath, swap on it too',
    rows: ['sda', 'sdb', 'sdc', 'sdd'].map((name) => ({
      name,
      size: 64 * G,
      tran: 'iscsi',
      fstype: 'mpath_member',
      children: [
        {
          name: '3600a098',
          kname: 'dm-0',
          type: 'mpath',
          size: 64 * G,
          children: [
            { name: '3600a098-part1', kname: 'dm-1', type: 'part', size: 60 * G, fstype: 'ext4', mounts: ['/'] },
            { name: '3600a098-part2', kname: 'dm-2', type: 'part', size: 4 * G, fstype: 'swap', mounts: ['[SWAP]'] },
          ],
        },
      ],
    })),
    accepted: [],
    system: ['/dev/sda', '/dev/sdb', '/dev/sdc', '/dev/sdd', '/dev/dm-0'],
  },
  {
    title: 'swap on dm-crypt on a USB stick',
    rows: [
      nvmeRoot,
      {
        ...usbStick,
        children: [
          part('sdb1', 'crypto_LUKS', [], {
            children: [{ name: 'cryptswap', kname: 'dm-0', type: 'crypt', size: 8 * G, mounts: ['[SWAP]'] }],
          }),
        ],
      },
    ],
    accepted: [],
    system: ['/dev/nvme0n1', '/dev/sdb'],
    reasons: { '/dev/sdb': ['running-system', 'in-use'] },
  },
  {
    title: 'swap that only /proc/swaps tells of',
    rows: [nvmeRoot, usbStick],
    swaps: 'Filename\tType\tSize\tUsed\tPriority\n/dev/sdb1   partition\t8388604\t0\t-2\n',
    accepted: [],
    system: ['/dev/nvme0n1', '/dev/sdb'],
  },
  {
    title: 'swap file on a mounted card',
    rows: [nvmeRoot, { ...usbStick, children: [part('sdb1', 'ext4', ['/media/card'])] }],
    swaps: 'Filename\tType\tSize\tUsed\tPriority\n/media/card/swap\\040file file\t8388604\t0\t-2\n',
    accepted: [],
    system: ['/dev/nvme0n1', '/dev/sdb'],
    reasons: { '/dev/sdb': ['running-system', 'mounted'] },
  },
  {
    title: 'stick with an encrypted partition that is closed, and one that is opened',
    rows: [
      nvmeRoot,
      { ...usbStick, children: [part('sdb1', 'crypto_LUKS')] },
      {
        name: 'sdc',
        size: 16 * G,
        rm: true,
        tran: 'usb',
        children: [
          part('sdc1', 'crypto_LUKS', [], { children: [{ name: 'luks-1', kname: 'dm-0', type: 'crypt', size: G }] }),
        ],
      },
    ],
    accepted: ['/dev/sdb'],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdc': ['in-use'] },
  },
  {
    title: 'device mapper only: holders that /sys alone knows',
    rows: [nvmeRoot, usbStick, { name: 'data', kname: 'dm-7', type: 'dm', size: G }],
    sysfs: [
      { name: 'sdb1', majorMinor: '8:17', partitionOf: 'sdb', slaves: [], holders: ['dm-7'] },
      { name: 'dm-7', majorMinor: '253:7', slaves: ['sdb1'], holders: [] },
    ],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['in-use'], '/dev/dm-7': ['not-a-drive'] },
  },
  {
    title: 'loop device on a file that lies on a mounted card',
    rows: [
      nvmeRoot,
      { ...usbStick, children: [part('sdb1', 'ext4', ['/media/card'])] },
      { name: 'loop0', type: 'loop', size: G },
    ],
    sysfs: [{ name: 'loop0', majorMinor: '7:0', slaves: [], holders: [], backingFile: '/media/card/disk.img' }],
    accepted: [],
    system: ['/dev/nvme0n1'],
    reasons: { '/dev/sdb': ['mounted', 'in-use'], '/dev/loop0': ['loop-not-named'] },
  },
  {
    title: 'bcachefs over two devices named in one mount source',
    rows: [sataRoot, { ...usbStick, children: [] }, { name: 'sdc', size: 60 * G, tran: 'usb' }],
    mountinfo: '20 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 1 0:44 / /mnt/pool rw - bcachefs /dev/sdb:/dev/sdc rw',
    accepted: [],
    system: ['/dev/sda'],
    reasons: { '/dev/sdb': ['mounted'], '/dev/sdc': ['mounted'] },
  },
  {
    title: 'root by the name /dev/root, as old Raspberry Pi kernels write it',
    rows: [{ ...card, children: [part('mmcblk0p1'), part('mmcblk0p2')] }, usbStick],
    mountinfo: '20 1 179:2 / / rw - ext4 /dev/root rw',
    sysfs: [sdType],
    accepted: ['/dev/sdb'],
    system: ['/dev/mmcblk0'],
  },
  {
    title: 'dual boot: /home on a disk of its own, Windows on another',
    rows: [
      nvmeRoot,
      { name: 'sda', size: 200 * G, tran: 'sata', children: [part('sda1', 'ext4', ['/home'])] },
      { name: 'sdb', size: 200 * G, tran: 'sata', rm: true, children: [part('sdb1', 'ext4', ['/var/lib/docker'])] },
      { name: 'sdc', size: 200 * G, tran: 'sata', children: [part('sdc1', 'ntfs')] },
    ],
    accepted: [],
    system: ['/dev/nvme0n1', '/dev/sda', '/dev/sdb'],
    reasons: { '/dev/sdc': ['built-in'] },
  },
  {
    title: 'network block devices',
    rows: [sataRoot, { name: 'nbd0', size: 16 * G }, { name: 'rbd0', size: 16 * G }, { name: 'drbd0', size: 16 * G }],
    accepted: [],
    system: ['/dev/sda'],
    reasons: { '/dev/nbd0': ['built-in'] },
  },
  {
    title: 'router with a flash chip and a stick',
    rows: [
      { name: 'mtdblock0', size: 16 * MB },
      { name: 'sda', size: 8 * G, tran: 'usb', rm: true, children: [part('sda1', 'ext4', ['/'])] },
      { ...usbStick },
    ],
    accepted: ['/dev/sdb'],
    system: ['/dev/sda'],
    reasons: { '/dev/mtdblock0': ['not-a-drive'] },
  },
  {
    title: 'network boot: root on NFS',
    rows: [{ name: 'sda', size: 240 * G, tran: 'sata' }, card],
    sysfs: [sdType],
    mountinfo: '20 1 0:20 / / rw - nfs 10.0.0.1:/srv/root rw',
    accepted: ['/dev/mmcblk0'],
    system: [],
    reasons: { '/dev/sda': ['built-in', 'system-unknown'] },
  },
  {
    title: 'system in an image: root on a loop device on a USB stick',
    rows: [
      { ...usbStick, children: [part('sdb1', 'ext4', ['/isodevice'])] },
      { name: 'loop0', type: 'loop', size: 4 * G, fstype: 'ext4', mounts: ['/'] },
    ],
    sysfs: [{ name: 'loop0', majorMinor: '7:0', slaves: [], holders: [], backingFile: '/isodevice/root.img' }],
    accepted: [],
    system: ['/dev/sdb', '/dev/loop0'],
  },
  {
    title: 'Fusion-io and other kinds that nobody heard of',
    rows: [sataRoot, { name: 'xyz0', type: 'xyz', size: 16 * G, rm: true }],
    accepted: [],
    system: ['/dev/sda'],
    reasons: { '/dev/xyz0': ['not-a-drive'] },
  },
  {
    title: 'bcache with root in front of a stick',
    rows: [
      {
        ...usbStick,
        children: [
          part('sdb1', 'bcache', [], { children: [{ name: 'bcache0', size: 10 * G, fstype: 'ext4', mounts: ['/'] }] }),
        ],
      },
    ],
    accepted: [],
    system: ['/dev/sdb'],
    reasons: { '/dev/sdb': ['running-system', 'in-use', 'member'] },
  },
];
