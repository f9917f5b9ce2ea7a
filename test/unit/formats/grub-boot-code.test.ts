import { describe, expect, it } from 'vitest';
import {
  grubBootCode,
  grubVersionOf,
  isGrubBootCode,
  requireRoomForBootCode,
} from '../../../src/formats/grub-boot-code.js';

const boot = Buffer.alloc(512, 0xff);
const core = Buffer.alloc(700, 0xee);

describe("GRUB's boot code", () => {
  it.each([
    ['mbr', 1],
    ['gpt', 34],
  ] as const)('of a disk with %s loads core.img from sector %i', (table, sector) => {
    const [code, rest] = grubBootCode(boot, core, table);
    expect(code?.offsetBytes).toBe(0);
    // The disk's id and its table follow.
    expect(code?.bytes).toHaveLength(440);
    expect(code?.bytes.readBigUInt64LE(0x5c)).toBe(BigInt(sector));
    expect(rest?.offsetBytes).toBe(sector * 512);
    expect(rest?.bytes).toHaveLength(1024);
    expect(rest?.bytes.readBigUInt64LE(0x1f4)).toBe(BigInt(sector + 1));
  });

  it('has to end before the first partition begins', () => {
    const pieces = grubBootCode(boot, core, 'mbr');
    expect(() => {
      requireRoomForBootCode(pieces, 1536);
    }).not.toThrow();
    expect(() => {
      requireRoomForBootCode(pieces, 1024);
    }).toThrow(expect.objectContaining({ code: 'no-room-for-boot-loader' }));
  });

  it('is known by the words with which it reports errors', () => {
    const sector = Buffer.alloc(512);
    expect(isGrubBootCode(sector)).toBe(false);
    sector.write('GRUB \0Geom\0Hard Disk\0Read\0 Error', 0x180, 'latin1');
    expect(isGrubBootCode(sector)).toBe(true);
  });

  it('says its version in the program for UEFI', () => {
    expect(grubVersionOf(Buffer.from('xx\0GNU GRUB  version %s\0' + '2.12-9+deb13u4\0prefix\0'))).toBe(
      '2.12-9+deb13u4',
    );
    expect(grubVersionOf(Buffer.from('Linux\0' + '2.12\0'))).toBeUndefined();
  });
});
