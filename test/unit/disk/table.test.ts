import { describe, expect, it } from 'vitest';
import { MiB } from '../../../src/model/bytes.js';
import { planDiskLayout } from '../../../src/disk/disk-layout.js';
import { sfdiskScript } from '../../../src/disk/table.js';

describe('sfdiskScript', () => {
  it('writes the disk id, both partitions in sectors, their types and the boot flag', () => {
    const request = { startBytes: 'auto', sizeBytes: 64 * MiB, headroomBytes: 0 } as const;
    const layout = planDiskLayout(
      {
        id: 'rpi4',
        partitions: {
          alignmentBytes: 4 * MiB,
          boot: { ...request, label: 'BOOT' },
          root: { ...request, label: 'root' },
        },
      },
      { boot: { bytes: 0, files: 0 }, root: { bytes: 0, files: 0 } },
    );
    expect(sfdiskScript(layout)).toBe(
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
