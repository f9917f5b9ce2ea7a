import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Mount } from '../../src/model/sandbox.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { cli, resultOf } from './cli.js';

const run = promisify(execFile);
const facts = readHostFacts(process.env);

/** Runs a program of the store's tools tree in `/mnt`, a folder of this machine; gives its stdout. */
export async function inTools(folder: string, file: string, args: readonly string[], more: readonly Mount[] = []) {
  const { entries } = resultOf(await cli(['cache', 'list', '--json'])) as unknown as {
    entries: { stage: string; path: string }[];
  };
  const tools = entries.find(({ stage }) => stage === 'tools');
  if (tools === undefined) throw new Error('the store has no tools');
  const mounts = [{ source: folder, target: '/mnt', writable: true }, ...more];
  const root = join(tools.path, 'out/tree');
  const command = sandboxed({ root, mounts, cwd: '/mnt' }, { file, args }, facts.privilege);
  const { stdout } = await run(command.file, command.args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
