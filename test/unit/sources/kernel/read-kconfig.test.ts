import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { readKconfig } from '../../../../src/sources/kernel/configure.js';

it('reads what an arm64 or x86 kernel is configured by, and nothing of other architectures', async () => {
  const source = await mkdtemp(join(tmpdir(), 'reswarm-kconfig-'));
  try {
    const read = ['Kconfig', 'arch/Kconfig', 'arch/arm64/Kconfig', 'arch/x86/Kconfig.debug', 'drivers/arch/Kconfig'];
    for (const file of [...read, 'arch/arm/Kconfig', 'arch/mips/Kconfig', 'drivers/Makefile']) {
      await mkdir(join(source, dirname(file)), { recursive: true });
      await writeFile(join(source, file), 'config X\n\tbool "X"\n');
    }
    expect([...(await readKconfig(source)).keys()].toSorted()).toEqual(read.toSorted());
  } finally {
    await rm(source, { recursive: true });
  }
});
