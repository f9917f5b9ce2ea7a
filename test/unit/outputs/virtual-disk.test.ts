import { expect, it } from 'vitest';
import { withContentId } from '../../../src/outputs/virtual-disk.js';

const descriptor = (id: string): string =>
  ['# Disk DescriptorFile', 'version=1', `CID=${id}`, 'parentCID=ffffffff', 'createType="monolithicSparse"', ''].join(
    '\n',
  );

it.each(['7', '1234567', '12345678', 'ffffffff'])('the content id %s is replaced, and nothing else', (rolled) => {
  expect(withContentId(descriptor(rolled), '00c0ffee')).toBe(descriptor('00c0ffee'));
});

it('is missed where it is not there', () => {
  expect(() => withContentId('parentCID=ffffffff\n', '00c0ffee')).toThrow(TypeError);
});
