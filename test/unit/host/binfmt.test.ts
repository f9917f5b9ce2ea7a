import { describe, expect, it } from 'vitest';
import {
  handlesAarch64,
  parseBinfmtHandler,
  registerCommand,
  registration,
  worksInChroot,
} from '../../../src/host/binfmt.js';

/** As Debian 12's kernel shows it. */
const shown = (flags: string, state = 'enabled', magic = '7f454c460201010000000000000000000200b700') => `${state}
interpreter /usr/bin/qemu-aarch64-static
flags: ${flags}
offset 0
magic ${magic}
mask ffffffffffffff00fffffffffffffffffeffffff
`;

describe('parseBinfmtHandler', () => {
  it.each([
    ['OCF', 'enabled', true, true],
    ['OC', 'enabled', true, false],
    ['', 'enabled', true, false],
    ['OCF', 'disabled', false, true],
  ])('flags %j, %s: for arm64 %j, inside a tree %j', (flags, state, handles, inChroot) => {
    const handler = parseBinfmtHandler('qemu-aarch64', shown(flags, state));
    expect([handlesAarch64(handler), worksInChroot(handler)]).toEqual([handles, inChroot]);
    expect(handler.interpreter).toBe('/usr/bin/qemu-aarch64-static');
  });

  it('does not take the handler of another architecture for ours', () => {
    const riscv = parseBinfmtHandler(
      'qemu-riscv64',
      shown('OCF', 'enabled', '7f454c460201010000000000000000000200f300'),
    );
    expect(handlesAarch64(riscv)).toBe(false);
  });
});

describe('registration', () => {
  const made =
    String.raw`:qemu-aarch64:M::\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:` +
    String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64:OCF`;
  const debian = String.raw`:qemu-aarch64:M::\x7fELF:\xff:/usr/libexec/qemu-binfmt/aarch64-binfmt-P:OPF`;

  it.each([
    ['none', undefined, made],
    ['one with F', `${debian}\n`, debian],
    ['one without F', debian.replace('OPF', 'OC'), made],
    ['one with an F in its path only', debian.replace('OPF', 'OC').replace('qemu-binfmt', 'F'), made],
  ])('with %s of the distribution', (_what, own, expected) => {
    expect(registration('/usr/bin/qemu-aarch64', own)).toBe(expected);
  });

  it('goes to the kernel as the input of a command, without a shell', () => {
    expect(registerCommand(made)).toEqual({ file: 'tee', args: ['/proc/sys/fs/binfmt_misc/register'], stdin: made });
  });
});
