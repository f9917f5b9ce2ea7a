/** Linux capabilities in the order of their bits (include/uapi/linux/capability.h). */
const NAMES = [
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'linux_immutable',
  'net_bind_service',
  'net_broadcast',
  'net_admin',
  'net_raw',
  'ipc_lock',
  'ipc_owner',
  'sys_module',
  'sys_rawio',
  'sys_chroot',
  'sys_ptrace',
  'sys_pacct',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'mknod',
  'lease',
  'audit_write',
  'audit_control',
  'setfcap',
  'mac_override',
  'mac_admin',
  'syslog',
  'wake_alarm',
  'block_suspend',
  'audit_read',
  'perfmon',
  'bpf',
  'checkpoint_restore',
].map((name) => `cap_${name}`);

const CLAUSE = /^(?<names>[a-z_]+(?:,[a-z_]+)*)(?<operator>[=+])(?<flags>[eip]+)$/;
const REVISION_2 = 0x02000000;
const EFFECTIVE = 1;

/**
 * The value of `security.capability` (revision 2, little endian, as 0x…) for a text as setcap(8) takes it:
 * "cap_net_bind_service+ep", several clauses with spaces between them. Undefined for any other text: the kernel has one
 * effective bit for all, so `e` must stand in every clause or in none.
 */
export function fileCapability(text: string): string | undefined {
  const sets = { p: 0n, i: 0n };
  const effective: boolean[] = [];
  for (const clause of text.trim().split(/\s+/)) {
    const { names = '', flags = '' } = CLAUSE.exec(clause)?.groups ?? {};
    const bits = names.split(',').map((name) => NAMES.indexOf(name));
    if (flags === '' || bits.includes(-1) || flags === 'e') return undefined;
    const mask = bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
    if (flags.includes('p')) sets.p |= mask;
    if (flags.includes('i')) sets.i |= mask;
    effective.push(flags.includes('e'));
  }
  if (new Set(effective).size > 1) return undefined;
  const value = Buffer.alloc(20);
  value.writeUInt32LE(REVISION_2 | (effective[0] === true ? EFFECTIVE : 0), 0);
  for (const [half, at] of [0n, 32n].map((shift, index) => [shift, 4 + 8 * index] as const)) {
    value.writeUInt32LE(Number((sets.p >> half) & 0xffffffffn), at);
    value.writeUInt32LE(Number((sets.i >> half) & 0xffffffffn), at + 4);
  }
  return `0x${value.toString('hex')}`;
}
