import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFileList } from '../../src/formats/file-list.js';
import { cli, resultOf } from '../helpers/cli.js';

const projectDir = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-trace-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function pathsOf(file: string): Promise<readonly string[]> {
  return parseFileList(await readFile(file, 'utf8'), file).list.paths.map(({ path }) => path);
}

describe('workload trace', () => {
  it.each(['nginx', 'python', 'node'])('of %s finds the files of the committed list', async (name) => {
    const list = join(folder, `${name}.list`);
    const traced = resultOf(await cli(['workload', 'trace', name, '--board', 'pc-amd64', '--output', list, '--json']));
    expect(traced).toMatchObject({ workload: name, architecture: 'amd64', missing: [] });
    expect(await pathsOf(list)).toEqual(await pathsOf(join(projectDir, `workloads/${name}/amd64.list`)));
  });

  it('keeps the lines of people, and writes those of --keep and --drop', async () => {
    const file = join(folder, 'web.yaml');
    await writeFile(file, 'extends: nginx\nid: web\nlist: ./web.list\n');
    await writeFile(join(folder, 'web.list'), '/usr/sbin/nginx\n\n# by hand\n+ /usr/share/common-licenses/GPL-3\n');
    const dropped = ['--drop', '/etc/nginx/modules-enabled'];
    resultOf(await cli(['workload', 'trace', file, '--board', 'pc-amd64', ...dropped, '--json']));
    const text = await readFile(join(folder, 'web.list'), 'utf8');
    expect(text).toContain('\n# by hand\n+ /usr/share/common-licenses/GPL-3\n- /etc/nginx/modules-enabled\n');
    expect(text).toContain('\n/usr/lib/x86_64-linux-gnu/libc.so.6\n');
  });

  it('shows the console of a workload that ends', async () => {
    const file = join(folder, 'bad.yaml');
    await writeFile(
      file,
      'extends: nginx\nid: bad\ncommand: [/usr/sbin/nginx, -c, /etc/none.conf]\nlist: ./bad.list\n',
    );
    const { exitCode, stdout } = await cli(['workload', 'trace', file, '--board', 'pc-amd64', '--json']);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('workload-ended');
    expect(stdout).toContain('/etc/none.conf');
  });
});
