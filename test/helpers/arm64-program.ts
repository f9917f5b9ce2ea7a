/**
 * A program for Linux on arm64 that writes a text to its standard output and ends well: the smallest ELF file there
 * is, made by hand, so that tests need no cross-compiler and no container registry.
 */
export function arm64Program(text: string): Buffer {
  const message = Buffer.from(text);
  const code = Buffer.alloc(32);
  const instructions = [
    0xd2800020, // mov x0, #1
    0x100000e1, // adr x1, message (28 bytes from here)
    0xd2800002 + message.length * 32, // mov x2, #length
    0xd2800808, // mov x8, #64 (write)
    0xd4000001, // svc #0
    0xd2800000, // mov x0, #0
    0xd2800ba8, // mov x8, #93 (exit)
    0xd4000001, // svc #0
  ];
  for (const [index, instruction] of instructions.entries()) code.writeUInt32LE(instruction, index * 4);
  const sizeBytes = HEADER_BYTES + PROGRAM_HEADER_BYTES + code.length + message.length;
  return Buffer.concat([elfHeader(183), programHeader(sizeBytes), code, message]);
}

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const ADDRESS = 0x400000n;

/** @param machine e_machine: 183 is arm64, 62 is amd64 */
export function elfHeader(machine: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(ADDRESS + BigInt(HEADER_BYTES + PROGRAM_HEADER_BYTES), 24);
  header.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  header.writeUInt16LE(HEADER_BYTES, 52);
  header.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  header.writeUInt16LE(1, 56);
  return header;
}

/** All of the file, readable and executable. */
function programHeader(sizeBytes: number): Buffer {
  const header = Buffer.alloc(PROGRAM_HEADER_BYTES);
  header.writeUInt32LE(1, 0);
  header.writeUInt32LE(5, 4);
  header.writeBigUInt64LE(ADDRESS, 16);
  header.writeBigUInt64LE(ADDRESS, 24);
  header.writeBigUInt64LE(BigInt(sizeBytes), 32);
  header.writeBigUInt64LE(BigInt(sizeBytes), 40);
  header.writeBigUInt64LE(0x10000n, 48);
  return header;
}
