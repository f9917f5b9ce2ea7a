import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from '../helpers/cli.js';

const run = promisify(execFile);

/** Completes the words that it gets as Bash would on Tab. */
const COMPLETE = `source "$1/setup"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
$(complete -p reswarm-os | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "\${COMPREPLY[@]}" | sort -u
`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-completion-'));
  const env = { XDG_CACHE_HOME: folder, HOME: folder };
  expect((await cli(['autocomplete', 'bash'], { env })).exitCode).toBe(0);
  await writeFile(join(folder, 'setup'), (await cli(['autocomplete', 'script', 'bash'], { env })).stdout);
  await writeFile(join(folder, 'complete'), COMPLETE);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

it.each([
  { words: ['b'], completions: ['boards', 'boot', 'build', 'bundle'] },
  { words: ['kernel', ''], completions: ['build', 'check', 'config'] },
  { words: ['build', '--comp'], completions: ['--compress'] },
])('Bash completes $words', async ({ words, completions }) => {
  const { stdout } = await run('bash', ['--norc', join(folder, 'complete'), folder, 'reswarm-os', ...words]);
  expect(stdout.trim().split('\n')).toEqual(completions);
});
