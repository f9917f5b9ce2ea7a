import { describe, expect, it } from 'vitest';
import { formatAutoboot, readAutoboot } from '../../../src/formats/autoboot.js';

describe('autoboot.txt', () => {
  it('reads what it writes', () => {
    const text = formatAutoboot({ boot: 2, tryboot: 3 });
    expect(readAutoboot(text, false)).toEqual({ bootPartition: 2, trybootAb: true });
    expect(readAutoboot(text, true)).toEqual({ bootPartition: 3, trybootAb: true });
  });

  it('has the same length for both slots, so that it can be written in place', () => {
    expect(formatAutoboot({ boot: 3, tryboot: 2 })).toHaveLength(formatAutoboot({ boot: 2, tryboot: 3 }).length);
  });

  it('lets nothing through behind [none] or a filter that it does not know, and takes the last line that counts', () => {
    expect(readAutoboot('boot_partition=2\n[none]\nboot_partition=3\n[pi4]\nboot_partition=4\n', false)).toEqual({
      bootPartition: 2,
      trybootAb: false,
    });
    expect(readAutoboot('[all]\nboot_partition=2\nboot_partition=3\n', false).bootPartition).toBe(3);
  });

  it('ignores what is behind 512 bytes', () => {
    const padding = `# ${'x'.repeat(500)}\n`;
    expect(readAutoboot(`boot_partition=2\n${padding}boot_partition=3\n`, false).bootPartition).toBe(2);
  });

  it('takes line ends of Windows, capitals in filters and comments', () => {
    expect(readAutoboot('[ALL]\r\nboot_partition=3 # B\r\n', false).bootPartition).toBe(3);
  });
});
