import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReswarmError } from '../errors.js';
import type { Host } from './host.js';

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const LOAD_ADDRESS = 0x400000;
/** exit(0): `mov x8, #93; mov x0, #0; svc #0` */
const CODE = [0xd2800ba8, 0xd2800000, 0xd4000001];

/**
 * Whether an arm64 program runs in a tree that holds nothing else: the very thing that a build needs. In a container the
 * kernel may do that while its list of handlers (binfmt_misc) cannot be seen.
 */
export async function runsAarch64(host: Host): Promise<boolean> {
  const root = await mkdtemp('/tmp/reswarm-aarch64-');
  try {
    for (const folder of ['dev', 'proc', 'tmp', 'run']) await mkdir(join(root, folder));
    await writeFile(join(root, 'probe'), aarch64Program(), { mode: 0o755 });
    await host.runIn({ root }, { file: '/probe', args: [] });
    return true;
  } catch (error) {
    if (error instanceof ReswarmError && error.code !== 'interrupted') return false;
    throw error;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** The smallest static program: an ELF header, one segment, three instructions (elf(5)). */
export function aarch64Program(): Buffer {
  const codeOffset = HEADER_BYTES + PROGRAM_HEADER_BYTES;
  const program = Buffer.alloc(codeOffset + CODE.length * 4);
  program.write('\x7fELF\x02\x01\x01', 'latin1'); // 64 bits, little-endian, version 1
  program.writeUInt16LE(2, 16); // ET_EXEC
  program.writeUInt16LE(183, 18); // EM_AARCH64
  program.writeUInt32LE(1, 20);
  program.writeBigUInt64LE(BigInt(LOAD_ADDRESS + codeOffset), 24); // entry
  program.writeBigUInt64LE(BigInt(HEADER_BYTES), 32); // program headers
  program.writeUInt16LE(HEADER_BYTES, 52);
  program.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  program.writeUInt16LE(1, 56);
  program.writeUInt16LE(64, 58); // size of a section header; there are none
  program.writeUInt32LE(1, HEADER_BYTES); // PT_LOAD
  program.writeUInt32LE(5, HEADER_BYTES + 4); // readable, executable
  for (const offset of [16, 24]) program.writeBigUInt64LE(BigInt(LOAD_ADDRESS), HEADER_BYTES + offset);
  for (const offset of [32, 40]) program.writeBigUInt64LE(BigInt(program.length), HEADER_BYTES + offset);
  program.writeBigUInt64LE(0x10000n, HEADER_BYTES + 48); // alignment: the largest page size of arm64
  for (const [index, instruction] of CODE.entries()) program.writeUInt32LE(instruction, codeOffset + index * 4);
  return program;
}
