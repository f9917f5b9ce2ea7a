import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../../errors.js';
import type { Json } from '../../model/json.js';
import type { Sandbox } from '../../model/sandbox.js';
import { sha256 } from '../../model/sha256.js';
import type { Tree } from '../../tools/tree.js';
import type { CopiedFolder } from '../copy-folder.js';
import { copyFolders, folderKey, setTimes } from '../copy-folder.js';
import type { Busybox } from './busybox.js';
import { readStartFiles } from './start-files.js';
import { inittabProblems, scriptProblems } from './check-start.js';

/** A static program and the paths on the device that lead to it: the first is the file, the others are links to it. */
export type TinyProgram = { readonly key: string; readonly path: string; readonly places: readonly string[] };

/** A small file that the build decides; the path has no slash in front. */
export type TinyText = { readonly path: string; readonly text: string };

export type BusyboxTreeInput = {
  readonly busybox: Pick<Busybox, 'key' | 'path' | 'links'>;
  /** Beside BusyBox: the reader of the seed, the ssh server. */
  readonly programs: readonly TinyProgram[];
  /** The files of the layer; its scripts call nothing that is not there. */
  readonly layer: CopiedFolder;
  /** Folders of the user, copied over the layer in this order. */
  readonly overlays: readonly CopiedFolder[];
  /** Copied last: hostname, os-release. */
  readonly texts: readonly TinyText[];
  /** Empty folders beside the usual ones: mount points. Relative paths. */
  readonly mountPoints: readonly string[];
  readonly sourceDateEpoch: number;
};

const BUSYBOX = 'bin/busybox';
const FOLDERS = [
  ...['bin', 'boot', 'dev', 'etc', 'etc/inittab.d', 'mnt', 'proc', 'root', 'run', 'sbin', 'sys', 'tmp', 'usr'],
  ...['usr/bin', 'usr/sbin', 'var', 'var/log', 'var/spool', 'var/spool/cron', 'var/spool/cron/crontabs'],
];
const LINKS: Readonly<Record<string, string>> = {
  init: BUSYBOX,
  'etc/resolv.conf': '../run/resolv.conf',
  'var/run': '../run',
};
/** Whatever a checkout or an overlay says. */
const MODES: readonly (readonly [mode: string, path: string])[] = [
  ['0755', '/mnt'],
  ['0700', '/mnt/root'],
  ['0600', '/mnt/etc/shadow'],
  ['1777', '/mnt/tmp'],
];

/**
 * A root of BusyBox, a few static programs and scripts. Everything belongs to root. Throws UserError
 * `inittab-command-missing` and the other codes of `check-start.ts`, `overlay-type-differs`.
 */
export function busyboxTree(input: BusyboxTreeInput): Tree {
  return {
    key: treeKey(input),
    async assemble(folder, tools, { host, report, work }) {
      report.step('adding programs, layer and overlays');
      const [base, texts] = [join(work, 'base'), join(work, 'texts')];
      await makeBase(input, base);
      for (const { path, text } of input.texts) await writeText(join(texts, path), text);
      const sandbox: Sandbox = {
        root: tools.root,
        mounts: [{ source: folder, target: '/mnt', writable: true }],
      };
      const own = { digest: '', normaliseModes: false };
      const last = input.texts.length === 0 ? [] : [{ path: texts, ...own }];
      const folders = [{ path: base, ...own }, input.layer, ...input.overlays, ...last];
      await copyFolders(folders, sandbox, host);
      for (const [mode, path] of MODES) await host.runIn(sandbox, { file: 'chmod', args: [mode, path] });
      await setTimes(input.sourceDateEpoch, sandbox, host);
      await checkStart(input, folder);
    },
  };
}

function treeKey({ busybox, programs, layer, overlays, texts, mountPoints, sourceDateEpoch }: BusyboxTreeInput): Json {
  return {
    busybox: busybox.key,
    programs: programs.map(({ key, places }) => ({ key, places: [...places] })),
    layer: folderKey(layer),
    overlays: overlays.map(folderKey),
    texts: Object.fromEntries(texts.map(({ path, text }) => [path, sha256(text)])),
    mountPoints: [...mountPoints],
    sourceDateEpoch,
  };
}

/** What comes neither from the layer nor from the user. */
async function makeBase({ busybox, programs, mountPoints }: BusyboxTreeInput, base: string): Promise<void> {
  for (const path of [...FOLDERS, ...mountPoints]) await makeFolder(join(base, path));
  const all = [
    { path: busybox.path, places: [`/${BUSYBOX}`, ...(await busybox.links()).filter((one) => one !== `/${BUSYBOX}`)] },
    ...programs,
  ];
  for (const { path, places } of all) {
    const [file = '', ...links] = places;
    await makeFolder(join(base, dirname(file)));
    await copyFile(path, join(base, file));
    await chmod(join(base, file), 0o755);
    for (const link of links) {
      await makeFolder(join(base, dirname(link)));
      await symlink(file, join(base, link));
    }
  }
  for (const [link, target] of Object.entries(LINKS)) await symlink(target, join(base, link));
}

async function writeText(file: string, text: string): Promise<void> {
  await makeFolder(dirname(file));
  await writeFile(file, text);
  await chmod(file, 0o644);
}

/** 0755, whatever the caller's umask is, with all folders above. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  for (let made = path; first !== undefined && made.length >= first.length; made = dirname(made)) {
    await chmod(made, 0o755);
  }
}

/** The first boot is not the place to learn that a command is missing. */
async function checkStart({ layer, overlays }: BusyboxTreeInput, root: string): Promise<void> {
  const files = await readStartFiles(
    root,
    layer.path,
    overlays.map(({ path }) => path),
  );
  const exists = (path: string): boolean => files.exists(path);
  const problems = [
    ...files.inittabs.flatMap((file) => inittabProblems(file, exists)),
    ...scriptProblems(files.scripts, exists),
  ];
  if (problems.length > 0) throw UserError.fromProblems(problems);
}
