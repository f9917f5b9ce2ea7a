import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ReswarmError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Stage, StageContext } from '../pipeline/stage.js';
import { Store } from '../pipeline/store.js';
import { findTools } from './find-tools.js';

/** The generator, and its own library; all others that it loads are in the tools tree (ldd: glib, libyaml, libuuid). */
export const NETPLAN_PACKAGES = ['netplan-generator', 'libnetplan1'] as const;
const PROGRAM = 'generate';
const LIBRARY = 'libnetplan.so.1';
/** An assertion that fails, an address that is none: the same file breaks it on the device. */
const CRASHES: readonly number[] = [134, 139];

export type NetplanGeneratorInput = {
  /** Of the image's version and this machine's architecture; none where the image has no netplan. */
  readonly debs: readonly { readonly name: string; readonly version: string; readonly sha256: string }[];
  /** Unpacks them and returns their folders, in their order. */
  readonly unpack: (context: StageContext) => Promise<readonly string[]>;
};

/**
 * netplan's generator of an image's own version, to run on this machine: its folder, or undefined where the image has no
 * netplan. Throws ReswarmError `netplan-generator`.
 */
export const netplanGeneratorStage: Stage<NetplanGeneratorInput, string | undefined> = {
  name: 'netplan-generator',
  version: 1,
  group: 'Package lists and seed',
  open: ({ path }) => withProgram(path),
  key: ({ debs }) => ({ debs: debs.map(({ sha256 }) => sha256) }),

  async run({ debs, unpack }, out, context) {
    const [deb] = debs;
    if (deb === undefined) return;
    context.report.step(`reading the generator of netplan ${deb.version}`);
    const [program = '', library = ''] = await unpack(context);
    const paths = [
      { folder: program, path: join('usr/libexec/netplan', PROGRAM) },
      { folder: library, path: await libraryIn(library) },
    ];
    for (const { folder, path } of paths) {
      await copyFile(join(folder, path), join(out, basename(path))).catch((cause: unknown) => {
        throw new ReswarmError('netplan-generator', `netplan ${deb.version} holds no ${path}`, { cause });
      });
    }
  },
};

/** Debian keeps libraries in a folder that is named by their architecture. */
async function libraryIn(folder: string): Promise<string> {
  for (const name of await readdir(join(folder, 'usr/lib'))) {
    const path = join('usr/lib', name, LIBRARY);
    if ((await stat(join(folder, path)).catch(() => undefined)) !== undefined) return path;
  }
  return LIBRARY;
}

async function withProgram(folder: string): Promise<string | undefined> {
  const found = await stat(join(folder, PROGRAM)).catch(() => undefined);
  return found === undefined ? undefined : folder;
}

/** netplan on this machine. */
export type Netplan = { readonly toolsRoot: string; readonly folder: string };

/** That of the newest image of this machine; undefined where nothing was built yet. Takes no network. */
export async function findNetplan(host: Host): Promise<Netplan | undefined> {
  const entry = await new Store(host.facts.cacheDir, host).newestEntry(netplanGeneratorStage.name);
  const folder = entry === undefined ? undefined : await withProgram(entry.path);
  const toolsRoot = folder === undefined ? undefined : await findTools(host);
  return folder === undefined || toolsRoot === undefined ? undefined : { toolsRoot, folder };
}

/**
 * Why netplan takes nothing of a file, in its own words: what it says after "Error in network definition:". undefined
 * where it does not refuse.
 *
 * @param text what cloud-init writes to /etc/netplan/50-cloud-init.yaml
 */
export async function netplanRefusal(
  text: string,
  { toolsRoot, folder }: Netplan,
  host: Host,
): Promise<string | undefined> {
  const work = await mkdtemp(join(tmpdir(), 'reswarm-netplan-'));
  try {
    const root = join(work, 'root');
    await mkdir(join(root, 'etc/netplan'), { recursive: true });
    await writeFile(join(root, 'etc/netplan/50-cloud-init.yaml'), text, { mode: 0o600 });
    const mounts = [
      { source: root, target: '/mnt', writable: true },
      { source: folder, target: '/srv' },
    ];
    const command = { file: join('/srv', PROGRAM), args: ['--root-dir', '/mnt'], env: { LD_LIBRARY_PATH: '/srv' } };
    // It ends with 1 also where there is no systemd-escape, which it asks after it has judged.
    const { stderr, exitCode } = await host.runIn({ root: toolsRoot, mounts }, command, {
      okExitCodes: [0, 1, ...CRASHES],
    });
    const said = /(?:Error in network definition|^ERROR): *(.*)/m.exec(stderr)?.[1];
    return CRASHES.includes(exitCode) ? `it breaks off: ${said ?? `exit code ${exitCode}`}` : said;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
