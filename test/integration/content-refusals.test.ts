import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../src/errors.js';
import { savedImage, tarOf } from '../helpers/archives.js';
import type { CliResult } from '../helpers/cli.js';
import { cli, resultOf } from '../helpers/cli.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-content-'));
  await writeFile(join(folder, 'app.tar'), tarOf(savedImage()));
  await writeFile(join(folder, 'amd64.tar'), tarOf(savedImage({ architecture: 'amd64' })));
  await writeFile(join(folder, 'agent'), 'agent');
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function build(args: readonly string[]): Promise<CliResult> {
  const output = join(folder, 'image.img');
  return cli(['build', '--json', '--output', output, ...args], { cwd: folder, timeoutMs: 120_000 });
}

async function buildBoard(text: string, ...args: readonly string[]): Promise<CliResult> {
  await writeFile(join(folder, 'mine.yaml'), `extends: rpi4\nid: mine\nname: Mine\n${text}`);
  return build(['--board', './mine.yaml', ...args]);
}

/** Exit code 2, nothing begun, nothing written. */
async function refusal(result: CliResult): Promise<readonly Problem[]> {
  expect(result.exitCode, result.stdout + result.stderr).toBe(2);
  expect(result.events.filter(({ type }) => type === 'stage-started')).toEqual([]);
  expect(await readdir(folder)).not.toContain('image.img');
  return (resultOf(result) as { error?: { problems?: readonly Problem[] } }).error?.problems ?? [];
}

describe('a build is refused before anything is made', () => {
  it('for a Docker source that does not exist, on the command line', async () => {
    const [problem] = await refusal(await build(['--board', 'rpi4', '--docker', 'podmann']));
    expect(problem?.code).toBe('unknown-docker-source');
    expect(problem?.hint).toContain('Did you mean "podman"?');
    for (const source of ['debian', 'static', 'containerd', 'podman', 'none']) expect(problem?.hint).toContain(source);
  });

  it.each([
    [
      'a Docker source that does not exist',
      'docker:\n  source: sttic\n',
      { code: 'invalid-value', line: 5, column: 11 },
    ],
    [
      'a bundle that nobody uses',
      `docker:\n  bundle: { version: '1', sha256: ${'a'.repeat(64)} }\n`,
      { code: 'docker-bundle-unused', line: 5 },
    ],
    [
      'a container image that is not there',
      'docker:\n  images:\n    - app.tar\n    - gone.tar\n',
      { code: 'docker-image-not-found', line: 7, column: 7 },
    ],
    [
      'a container image for another processor',
      'docker:\n  images: [amd64.tar]\n',
      { code: 'docker-image-architecture', line: 5 },
    ],
    [
      'a container image without an engine',
      'docker:\n  source: none\n  images: [app.tar]\n',
      { code: 'docker-images-without-engine', line: 6 },
    ],
    [
      'software with a wrong digest',
      `software:\n  - name: a\n    files: [{ file: agent, sha256: ${'a'.repeat(64)}, to: /usr/local/bin/a }]\n`,
      { code: 'digest-mismatch', line: 6 },
    ],
    [
      'software with a relative destination',
      'software:\n  - name: a\n    files: [{ file: agent, to: usr/local/bin/a }]\n',
      { code: 'software-destination', line: 6 },
    ],
    [
      'a unit without ExecStart',
      'software:\n  - name: a\n    units: [{ name: a.service, enable: false, text: "[Service]\\nType=simple\\n" }]\n',
      { code: 'software-unit-invalid', line: 6 },
    ],
  ])('for %s in a board', async (_, text, problem) => {
    expect(await refusal(await buildBoard(text))).toMatchObject([{ ...problem, file: 'mine.yaml' }]);
  });

  it('for images that do not fit into a root partition of a fixed size', async () => {
    await writeFile(join(folder, 'big.tar'), tarOf(savedImage({ layer: Buffer.alloc(64 * 2 ** 20) })));
    const result = await buildBoard('partitions: { root: { size: 64M } }\ndocker: { images: [big.tar] }\n');
    expect(await refusal(result)).toMatchObject([{ code: 'partition-too-small' }]);
  });

  it('for a software file with two mistakes, which it tells at once', async () => {
    await writeFile(
      join(folder, 'software.yaml'),
      'software:\n  - name: a\n    files:\n      - { file: gone, to: /usr/local/bin/a }\n      - { file: agent, to: /boot/a }\n',
    );
    const problems = await refusal(await build(['--board', 'rpi4', '--software', 'software.yaml']));
    expect(problems.map(({ code, line }) => [code, line])).toEqual(
      expect.arrayContaining([
        ['software-file-not-found', 4],
        ['software-destination', 5],
      ]),
    );
  });
});
