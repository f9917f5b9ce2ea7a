/** e_machine of the architectures that Debian has, by Debian's names. */
const ELF_MACHINES: Readonly<Record<string, number>> = { amd64: 62, arm64: 183, armhf: 40, i386: 3, riscv64: 243 };

const MAGIC = Buffer.from('\x7fELF', 'latin1');
const E_MACHINE_AT = 18;

/** How much of a file `elfArchitecture` needs to see. */
export const ELF_HEADER_BYTES = E_MACHINE_AT + 2;

/** Debian's name of the architecture a program is for; `e_machine N` for another one; undefined: it is no ELF file. */
export function elfArchitecture(header: Buffer): string | undefined {
  if (header.length < ELF_HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const machine = header.readUInt16LE(E_MACHINE_AT);
  return Object.entries(ELF_MACHINES).find(([, code]) => code === machine)?.[0] ?? `e_machine ${machine}`;
}
