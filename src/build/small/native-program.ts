import { join } from 'node:path';
import { fileSha256 } from '../../host/file-digest.js';
import type { Node } from '../../pipeline/graph.js';
import { stageNode, valueNode } from '../../pipeline/graph.js';
import type { StaticLibrary } from '../../sources/musl/static-programs.js';
import { staticProgramsStage } from '../../sources/musl/static-programs.js';
import type { MuslToolchain } from '../../sources/musl/toolchain.js';

/** A program of this project for the device: `native/NAME.c`. */
export function nativeProgramNode(
  name: string,
  projectDir: string,
  toolchain: Node<MuslToolchain>,
  library?: Node<StaticLibrary>,
): Node<{ readonly key: string; readonly path: string }> {
  const path = join(projectDir, 'native', `${name}.c`);
  const made = stageNode(staticProgramsStage, { toolchain, library }, async ({ toolchain, library }) => ({
    toolchain,
    programs: [
      {
        name,
        sources: [{ path, sha256: await fileSha256(path) }],
        libraries: library === undefined ? [] : [library],
      },
    ],
  }));
  return valueNode({ made }, ({ made: { key, paths } }) => ({ key, path: paths.get(name) ?? '' }));
}
