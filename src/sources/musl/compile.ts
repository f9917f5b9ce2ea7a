import type { Sandbox } from '../../model/sandbox.js';
import type { MuslToolchain } from './toolchain.js';

/** Where sources are compiled inside the sandbox; it gets into messages of programs (`__FILE__`), so it never changes. */
export const BUILD_FOLDER = '/tmp/build';

/** Small, static, not to be moved about: nothing needs a loader, and nothing is written in at start. */
export const STATIC_CFLAGS = ['-Os', '-fno-pie', '-fno-asynchronous-unwind-tables'] as const;

/** Sections are aligned for pages of 4 KiB, as our kernels have them: ld's 64 KiB for arm64 would fill files with zeros. */
export const STATIC_LDFLAGS = ['-static', '-no-pie', '-Wl,-z,max-page-size=4096', '-Wl,--build-id=none'] as const;

/** A sandbox in which the toolchain compiles in `folder`, which it sees at BUILD_FOLDER. */
export function compileSandbox(toolchain: MuslToolchain, folder: string): Sandbox {
  return {
    root: toolchain.tools.root,
    mounts: [toolchain.mount, { source: folder, target: BUILD_FOLDER, writable: true }],
    cwd: BUILD_FOLDER,
  };
}

/** Arguments of strip: no symbols, no name of the compiler. */
export const STRIP = ['--strip-all', '--remove-section=.comment', '--remove-section=.note.gnu.build-id'] as const;
