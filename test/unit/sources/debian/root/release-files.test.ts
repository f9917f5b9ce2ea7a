import { describe, expect, it } from 'vitest';
import { osReleaseVariant, reswarmRelease } from '../../../../../src/sources/debian/root/release-files.js';

const RELEASE = {
  board: { id: 'rpi4', name: 'Raspberry Pi 4' },
  version: '0.1.0',
  kernel: 'a'.repeat(64),
  rootfs: 'b'.repeat(64),
};

describe('release files', () => {
  it('name board, version and what the image was made from', () => {
    expect(reswarmRelease(RELEASE)).toBe(
      [
        'BOARD="rpi4"',
        'BOARD_NAME="Raspberry Pi 4"',
        'VERSION="0.1.0"',
        'KERNEL_KEY="aaaaaaaaaaaa"',
        'ROOTFS_KEY="bbbbbbbbbbbb"',
        '',
      ].join('\n'),
    );
  });

  it('add to os-release only keys that Debian does not use', () => {
    const keys = [...osReleaseVariant(RELEASE).matchAll(/^([A-Z_]+)=/gm)].map(([, key]) => key);
    expect(keys).toEqual(['VARIANT', 'VARIANT_ID', 'IMAGE_ID', 'IMAGE_VERSION']);
  });

  it('quote names as a shell needs it', () => {
    const board = { id: 'mine', name: 'A "$HOME" `board`\\' };
    expect(reswarmRelease({ ...RELEASE, board })).toContain('BOARD_NAME="A \\"\\$HOME\\" \\`board\\`\\\\"');
  });
});
