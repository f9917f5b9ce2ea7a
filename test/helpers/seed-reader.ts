import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TinySeed, TinySeedFiles } from '../../src/seeds/tiny/tiny-seed.js';

const SOURCE = new URL('../../native/seed-reader.c', import.meta.url).pathname;

/** Compiles the device's program for this machine, with checks of memory; the path of the program. */
export async function compileSeedReader(folder: string): Promise<string> {
  const program = join(folder, 'seed-reader');
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-O1', '-g', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror'];
  const checks = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  await promisify(execFile)('gcc', [...flags, ...checks, SOURCE, '-o', program, '-lyaml']);
  return program;
}

export type ReaderResult = {
  readonly status: number;
  readonly errors: string;
  /** What lies in OUT: texts by their path; undefined where OUT was not made. */
  readonly output: Readonly<Record<string, Buffer>> | undefined;
};

export type SeedBytes = Readonly<Partial<Record<keyof TinySeedFiles, string | Buffer>>>;

const NAMES = {
  userData: 'user-data',
  metaData: 'meta-data',
  networkConfig: 'network-config',
  vendorData: 'vendor-data',
} as const;

/** Runs the program on a seed below `folder`. A crash, or a report of the checks, is an error. */
export async function runSeedReader(program: string, seed: SeedBytes, folder: string): Promise<ReaderResult> {
  const [boot, out] = [join(folder, 'boot'), join(folder, 'out')];
  await rm(folder, { recursive: true, force: true });
  await mkdir(boot, { recursive: true });
  for (const [key, content] of Object.entries(seed))
    await writeFile(join(boot, NAMES[key as keyof SeedBytes]), content);
  const { status, errors } = await new Promise<{ status: number; errors: string }>((resolve, reject) => {
    execFile(program, [boot, out], { timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (stdout !== '') reject(new Error(`unexpected output: ${stdout}`));
      else if (typeof code !== 'number' || code > 3)
        reject(new Error(`the program failed (${String(code)}): ${stderr}`));
      else resolve({ status: code, errors: stderr });
    });
  });
  return { status, errors, output: await contentOf(out) };
}

async function contentOf(folder: string, prefix = ''): Promise<Record<string, Buffer> | undefined> {
  if ((await stat(folder).catch(() => undefined)) === undefined) return undefined;
  const content: Record<string, Buffer> = {};
  for (const entry of (await readdir(folder, { withFileTypes: true })).toSorted((a, b) =>
    a.name.localeCompare(b.name),
  )) {
    const name = prefix + entry.name;
    if (!entry.isDirectory()) content[name] = await readFile(join(folder, entry.name));
    else
      Object.assign(content, { [`${name}/`]: Buffer.alloc(0) }, await contentOf(join(folder, entry.name), `${name}/`));
  }
  return content;
}

/** What the program has to write for a seed, by the checker's reading of it. */
export function expectedOutput({ userData, network, ...seed }: TinySeed): Record<string, Buffer> {
  const lines = (items: readonly string[]): string => items.map((item) => `${item}\n`).join('');
  const one = (name: string, text: string | undefined): [string, string][] =>
    text === undefined ? [] : [[name, text]];
  const line = (name: string, text: string | undefined): [string, string][] =>
    text === undefined ? [] : [[name, `${text}\n`]];
  const some = (name: string, items: readonly string[]): [string, string][] =>
    items.length === 0 ? [] : [[name, lines(items)]];
  const texts = [
    ...line('instance-id', seed.instanceId),
    ...line('hostname', seed.hostname),
    ...line('fqdn', seed.fqdn),
    ...some('authorized_keys', userData.sshKeys),
    ...line('timezone', userData.timezone),
    ...(userData.isTimeOff === true ? one('ntp', '') : some('ntp', userData.timeServers)),
    ...one('bootcmd', userData.bootScript),
    ...one('runcmd', userData.runScript),
    ...some(
      'files.list',
      userData.files.map(({ path, mode, isAppended }, index) =>
        [index, mode.toString(8).padStart(4, '0'), isAppended ? 'append' : 'write', path].join(' '),
      ),
    ),
    ...(userData.files.length === 0 ? [] : one('files/', '')),
    ...(network === undefined ? [] : one('network/', '')),
    ...(network ?? []).flatMap((link, index) => some(`network/${index.toString().padStart(2, '0')}`, link)),
  ];
  const files = userData.files.map(({ content }, index): [string, Buffer] => [`files/${index}`, content]);
  return Object.fromEntries([...texts.map(([name, text]): [string, Buffer] => [name, Buffer.from(text)]), ...files]);
}
