import { describe, expect, it } from 'vitest';
import { bzImageVersion, compileTargets, kernelArchitecture } from '../../../src/model/kernel-target.js';

describe('kernelArchitecture', () => {
  it.each([
    ['a bzImage', bytesWith('HdrS', 0x202), 'amd64'],
    ["arm64's Image", bytesWith('ARMd', 0x38), 'arm64'],
    ['a packed Image', new Uint8Array([0x1f, 0x8b, 8, 0]), 'arm64'],
    ['nothing', new Uint8Array(), 'arm64'],
  ])('knows %s', (_, kernel, architecture) => {
    expect(kernelArchitecture(kernel)).toBe(architecture);
  });
});

describe('bzImageVersion', () => {
  it('reads what stands in front of the packed kernel', () => {
    const kernel = Buffer.from(bytesWith('HdrS', 0x202));
    kernel.writeUInt16LE(0x100, 0x20e);
    kernel.write('6.12.1-reswarm (reswarm@reswarm-os) #1', 0x300, 'latin1');
    expect(bzImageVersion(kernel)).toBe('6.12.1-reswarm');
    expect(bzImageVersion(bytesWith('ARMd', 0x38))).toBeUndefined();
  });
});

describe('compileTargets', () => {
  it('has device trees for boards only', () => {
    expect(compileTargets('arm64')).toEqual(['Image', 'modules', 'dtbs']);
    expect(compileTargets('amd64')).toEqual(['bzImage', 'modules']);
  });
});

function bytesWith(text: string, offset: number): Uint8Array {
  const bytes = Buffer.alloc(1024);
  bytes.write(text, offset, 'latin1');
  return bytes;
}
