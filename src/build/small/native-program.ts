import { join } from 'node:path';
import { fileSha256 } from '../../host/file-digest.js';
import type { Node } from '../../pipeline/graph.js';
import { stageNode } from '../../pipeline/graph.js';
import type { MuslProgram, StaticLibrary } from '../../sources/musl/program.js';
import { muslProgramStage } from '../../sources/musl/program.js';
import type { MuslToolchain } from '../../sources/musl/toolchain.js';

/** A program of this project for the device: `native/NAME.c`. */
export function nativeProgramNode(
  name: string,
  projectDir: string,
  toolchain: Node<MuslToolchain>,
  library?: Node<StaticLibrary>,
): Node<MuslProgram> {
  const path = join(projectDir, 'native', `${name}.c`);
  return stageNode(muslProgramStage, { toolchain, library }, async ({ toolchain, library }) => ({
    toolchain,
    name,
    source: { path, sha256: await fileSha256(path) },
    libraries: library === undefined ? [] : [library],
  }));
}
