import { describe, expect, it } from 'vitest';
import { fileCapability } from '../../../src/formats/file-capabilities.js';

describe('fileCapability', () => {
  // What setcap(8) of libcap 2.66 wrote, as getfattr -e hex shows it.
  it.each([
    ['cap_net_bind_service+ep', '0x0100000200040000000000000000000000000000'],
    ['cap_net_bind_service=ep', '0x0100000200040000000000000000000000000000'],
    ['cap_net_raw,cap_net_admin+ep', '0x0100000200300000000000000000000000000000'],
    ['cap_net_raw+p', '0x0000000200200000000000000000000000000000'],
    ['cap_sys_nice+eip', '0x0100000200008000000080000000000000000000'],
    ['cap_bpf=ep', '0x0100000200000000000000008000000000000000'],
    ['cap_net_raw=ep cap_checkpoint_restore=ep', '0x0100000200200000000000000001000000000000'],
  ])('gives for %s what setcap writes', (text, value) => {
    expect(fileCapability(text)).toBe(value);
  });

  it.each([
    '',
    'cap_fly+ep',
    'net_raw+ep',
    'cap_net_raw',
    'cap_net_raw+x',
    'cap_net_raw+e',
    'cap_net_raw+ep cap_bpf+p',
  ])('knows that "%s" is none', (text) => {
    expect(fileCapability(text)).toBeUndefined();
  });
});
