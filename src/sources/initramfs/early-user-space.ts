import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Json } from '../../model/json.js';
import type { Sandbox } from '../../model/sandbox.js';
import { sha256 } from '../../model/sha256.js';
import type { Tree } from '../../tools/tree.js';
import type { Busybox } from '../busybox/busybox.js';
import { copyFolders, setTimes } from '../copy-folder.js';
import type { EarlyModules } from './early-modules.js';
import { placeModules } from './early-modules.js';
import type { EarlyPrograms } from './early-programs.js';
import { placePrograms } from './early-programs.js';

/** A file of the early user space that the build decides; the path has no slash in front. */
export type EarlyFile = { readonly path: string; readonly executable?: boolean } & (
  { readonly text: string } | { readonly source: string; readonly digest: string }
);

export type EarlyUserSpaceInput = {
  readonly busybox: Pick<Busybox, 'key' | 'path' | 'links'>;
  /** `init`, `functions`, `udhcpc`, and the script that mounts the root as `root`: absolute paths with what they hold. */
  readonly scripts: Readonly<Record<EarlyScript, { readonly path: string; readonly sha256: string }>>;
  /** Undefined: the kernel has built in all that it takes. */
  readonly modules?: EarlyModules | undefined;
  /** Programs of Debian's packages beside BusyBox. */
  readonly programs?: EarlyPrograms | undefined;
  readonly files: readonly EarlyFile[];
  readonly sourceDateEpoch: number;
};

export const EARLY_SCRIPTS = ['init', 'functions', 'udhcpc', 'root'] as const;
export type EarlyScript = (typeof EARLY_SCRIPTS)[number];

const FOLDERS = ['dev', 'etc', 'proc', 'run', 'sys', 'sysroot', 'tmp', 'usr/bin', 'usr/sbin', 'usr/lib/modules'];
/** As in Debian, whose libraries are found by either name. */
const LINKS = { bin: 'usr/bin', sbin: 'usr/sbin', lib: 'usr/lib', lib64: 'usr/lib64' };

/**
 * What runs before the root is mounted: BusyBox, the scripts of native/initramfs, kernel modules in the order in which
 * they are loaded, programs with their libraries, and files. Throws what `placeModules` and `placePrograms` throw.
 */
export function earlyUserSpaceTree(input: EarlyUserSpaceInput): Tree {
  return {
    key: treeKey(input),
    async assemble(folder, tools, context) {
      const { host, report, work } = context;
      report.step('adding the early user space');
      const base = join(work, 'early');
      await makeBase(input, base);
      const at = { tools, base, context };
      if (input.modules !== undefined) await placeModules(input.modules, at);
      if (input.programs !== undefined) await placePrograms(input.programs, base);
      for (const file of input.files) await placeFile(file, base);
      const sandbox: Sandbox = { root: tools.root, mounts: [{ source: folder, target: '/mnt', writable: true }] };
      await copyFolders([{ path: base, digest: '', normaliseModes: true }], sandbox, host);
      await host.runIn(sandbox, { file: 'chmod', args: ['0755', '/mnt'] });
      await setTimes(input.sourceDateEpoch, sandbox, host);
    },
  };
}

function treeKey({ busybox, scripts, modules, programs, files, sourceDateEpoch }: EarlyUserSpaceInput): Json {
  return {
    busybox: busybox.key,
    scripts: Object.fromEntries(EARLY_SCRIPTS.map((name) => [name, scripts[name].sha256])),
    modules:
      modules === undefined
        ? null
        : { digest: modules.digest, names: [...modules.names], ifThere: [...(modules.ifThere ?? [])] },
    programs: programs === undefined ? null : { packages: programs.packages.key, paths: [...programs.paths] },
    files: files.map((file) => {
      const { path, executable = false } = file;
      return { path, executable, sha256: 'text' in file ? sha256(file.text) : file.digest };
    }),
    sourceDateEpoch,
  };
}

async function makeBase({ busybox, scripts }: EarlyUserSpaceInput, base: string): Promise<void> {
  for (const path of FOLDERS) await makeFolder(join(base, path));
  for (const [path, target] of Object.entries(LINKS)) await symlink(target, join(base, path));
  const program = join(base, 'usr/bin/busybox');
  await copyFile(busybox.path, program);
  await chmod(program, 0o755);
  for (const link of await busybox.links()) {
    const folder = /^\/(usr\/)?sbin\//.test(link) ? 'usr/sbin' : 'usr/bin';
    await symlink('/usr/bin/busybox', join(base, folder, basename(link)));
  }
  const places: Readonly<Record<EarlyScript, string>> = {
    init: 'init',
    functions: 'usr/lib/early/functions',
    udhcpc: 'usr/lib/early/udhcpc',
    root: 'usr/lib/early/root',
  };
  for (const name of EARLY_SCRIPTS) {
    const { path, sha256: digest } = scripts[name];
    await placeFile({ path: places[name], source: path, digest, executable: true }, base);
  }
}

async function placeFile(file: EarlyFile, base: string): Promise<void> {
  const path = join(base, file.path);
  await makeFolder(dirname(path));
  if ('text' in file) await writeFile(path, file.text);
  else await copyFile(file.source, path);
  await chmod(path, file.executable === true ? 0o755 : 0o644);
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
}
