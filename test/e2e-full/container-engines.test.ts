import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arm64Program } from '../helpers/arm64-program.js';
import { savedImage, tarOf } from '../helpers/archives.js';
import { cli, resultOf } from '../helpers/cli.js';
import { bundleOf, debianBundle } from '../helpers/debian-bundle.js';
import { serve, startServer } from '../helpers/fault-server.js';

/** What a device says that was started with these images; nothing of it is fetched from outside. */
const AGENT_SAYS = 'reswarm-test: the agent runs';
const APP_SAYS = 'reswarm-test: the preloaded image runs';

let folder: string;
const sizes = new Map<string, number>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-engines-'));
  const layer = tarOf([{ path: 'app', data: arm64Program(`${APP_SAYS}\n`), mode: 0o755 }]);
  await writeFile(join(folder, 'app.tar'), tarOf(savedImage({ tags: ['test/app:1'], layer, command: ['/app'] })));
});

afterAll(async () => {
  console.log(Object.fromEntries([...sizes].map(([source, bytes]) => [source, `${(bytes / 1e6).toFixed(0)} MB`])));
  await rm(folder, { recursive: true });
});

function unit(command: string): string {
  return `          [Unit]
          After=reswarm-images.service
          [Service]
          Type=oneshot
          ExecStart=/bin/sh -c '${command} > /dev/kmsg'
          [Install]
          WantedBy=multi-user.target
`;
}

/** Software whose program comes over HTTP, and whose second unit runs the preloaded image. */
function software(url: string, program: Buffer, runImage: string | undefined): string {
  return `software:
  - name: agent
    files:
      - url: ${url}/agent
        sha256: ${createHash('sha256').update(program).digest('hex')}
        to: /usr/local/bin/agent
        mode: '0755'
    units:
      - name: agent.service
        text: |
${unit('/usr/local/bin/agent')}${
    runImage === undefined
      ? ''
      : `      - name: app.service
        text: |
${unit(runImage)}`
  }`;
}

/**
 * Docker of Debian: in power-cut.test.ts on virt, with software and an image that came along too; in boards.test.ts on
 * raspi3b, in boot-ways.test.ts on raspi4b.
 */
const ENGINES: readonly { readonly source: string; readonly run?: string }[] = [
  { source: 'none' },
  { source: 'containerd', run: 'ctr run --rm docker.io/test/app:1 app' },
  { source: 'podman', run: 'podman run --rm --network none test/app:1' },
  { source: 'static', run: 'docker run --rm --network none test/app:1' },
];

describe.each(ENGINES)('an image with the Docker source $source', ({ source, run }) => {
  it('boots on every machine, runs own software, and a container of an image that came along, without any network outside', async () => {
    const image = join(folder, `${source}.img`);
    const program = arm64Program(`${AGENT_SAYS}\n`);
    const bundle = source === 'static' ? await debianBundle(folder) : undefined;
    await using server = await startServer((request, response) => {
      serve(request.url === '/agent' ? program : readFileSync(bundle ?? ''))(request, response);
    });
    await writeFile(join(folder, 'agent.yaml'), software(server.url, program, run));
    const board = join(folder, `${source}.yaml`);
    await writeFile(
      board,
      `extends: rpi
id: ${source}
name: Test of ${source}
docker:
  source: ${source}
${bundle === undefined ? '' : await bundleOf(bundle, server.url)}`,
    );
    const built = await cli(
      [
        ...['build', '--board', board, '--yes', '--json', '--output', image],
        ...['--software', join(folder, 'agent.yaml')],
        ...(run === undefined ? [] : ['--docker-image', join(folder, 'app.tar')]),
      ],
      { env: { no_proxy: '127.0.0.1', NO_PROXY: '127.0.0.1' } },
    );
    expect(built.exitCode, built.stderr + built.stdout.slice(-3000)).toBe(0);
    sizes.set(source, (await stat(image)).size);

    await checkOn('virt', image, run !== undefined);
    // Each of them keeps one processor busy: its emulation is not parallel.
    await Promise.all([checkOn('raspi3b', image, run !== undefined), checkOn('raspi4b', image, run !== undefined)]);
    await rm(image);
  });
});

/** The image passes its boot check on a machine, and says what its software and its container have to say. */
async function checkOn(machine: string, image: string, hasEngine: boolean): Promise<void> {
  const log = `${image}.${machine}.log`;
  const check = await cli([
    'boot',
    image,
    '--check',
    '--machine',
    machine,
    '--json',
    '--timeout',
    '3000',
    '--log',
    log,
  ]);
  expect(check.exitCode, machine + check.stdout.slice(-4000)).toBe(0);
  const { milestones } = resultOf(check) as unknown as { milestones: { name: string; detail: string }[] };
  const detail = (name: string): string => milestones.find((one) => one.name === name)?.detail ?? '';
  const console = await readFile(log, 'utf8');
  expect(console).toContain(AGENT_SAYS);
  if (hasEngine) {
    expect(console).toContain(APP_SAYS);
    expect(detail('container')).toContain('1 image came along');
  } else {
    expect(detail('docker')).toBe('no container engine, as the image says');
  }
}
