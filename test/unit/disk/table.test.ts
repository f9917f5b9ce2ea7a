import { describe, expect, it } from 'vitest';
import { MiB } from '../../../src/model/bytes.js';
import { diskFor, scriptFor, twoPartitions } from '../../helpers/two-partitions.js';

describe('tableScript', () => {
  it('writes the disk id, both partitions in sectors, their types and the boot flag', () => {
    const size = { sizeBytes: 64 * MiB };
    const disk = diskFor(twoPartitions({ id: 'rpi4', boot: size, root: size }), {
      boot: { bytes: 0, files: 0 },
      root: { bytes: 0, files: 0 },
    });
    expect(scriptFor(disk)).toBe(
      [
        'label: dos',
        'label-id: 0x96627196',
        'unit: sectors',
        'sector-size: 512',
        '',
        'start=8192, size=131072, type=c, bootable',
        'start=139264, size=131072, type=83',
        '',
      ].join('\n'),
    );
  });
});
