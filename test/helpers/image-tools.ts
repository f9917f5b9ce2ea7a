import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Mount } from '../../src/model/sandbox.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { cli, resultOf } from './cli.js';

const run = promisify(execFile);

/** Runs a program of the store's tools tree, which the build before has made; gives what it says. */
export async function imageTool(mounts: readonly Mount[], file: string, ...args: readonly string[]): Promise<string> {
  const listing = await cli(['cache', 'list', '--json']);
  const { entries } = resultOf(listing) as unknown as { entries: { stage: string; path: string }[] };
  const tools = entries.find(({ stage }) => stage === 'tools');
  if (tools === undefined) throw new Error('the store has no tools');
  const { privilege } = readHostFacts(process.env);
  const command = sandboxed({ root: join(tools.path, 'out/tree'), mounts }, { file, args }, privilege);
  return (await run(command.file, command.args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
}
