import { describe, expect, it } from 'vitest';
import { moduleClosure, moduleName } from '../../../../src/sources/initramfs/module-closure.js';

const lists = {
  dep: [
    'kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz kernel/fs/mbcache.ko.xz',
    'kernel/fs/jbd2/jbd2.ko.xz:',
    'kernel/fs/mbcache.ko.xz:',
    'kernel/drivers/usb/storage/uas.ko.xz: kernel/drivers/usb/storage/usb-storage.ko.xz kernel/drivers/usb/core/usbcore.ko.xz',
    'kernel/drivers/usb/storage/usb-storage.ko.xz: kernel/drivers/usb/core/usbcore.ko.xz',
    'kernel/drivers/usb/core/usbcore.ko.xz:',
    'kernel/crypto/crc32c_generic.ko.xz:',
  ].join('\n'),
  builtin: 'kernel/drivers/md/dm-mod.ko\n',
  softdep: '# of depmod\nsoftdep ext4 pre: crc32c\n',
  alias: 'alias crc32c crc32c_generic\nalias virtio:d00000002v* virtio_blk\n',
};

const namesOf = (names: readonly string[]) => moduleClosure(names, lists).paths.map(moduleName);

describe('moduleClosure', () => {
  it('lists what a module needs before it, deepest first, and once', () => {
    expect(namesOf(['uas', 'usb-storage'])).toEqual(['usbcore', 'usb_storage', 'uas']);
  });

  it('follows soft dependencies through aliases', () => {
    expect(namesOf(['ext4'])).toEqual(['mbcache', 'jbd2', 'crc32c_generic', 'ext4']);
  });

  it('leaves out what is built in, by whichever spelling', () => {
    expect(moduleClosure(['dm_mod', 'dm-mod'], lists)).toEqual({ paths: [], problems: [] });
  });

  it('names each module that the kernel does not have', () => {
    const { problems } = moduleClosure(['ext4', 'nfs', 'raid1'], lists);
    expect(problems.map(({ code, message }) => [code, /module (\w+)/.exec(message)?.[1]])).toEqual([
      ['kernel-module-missing', 'nfs'],
      ['kernel-module-missing', 'raid1'],
    ]);
  });
});
