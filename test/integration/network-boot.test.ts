import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { networkBootFiles } from '../../src/boot/network.js';
import { listBoards } from '../../src/config/listing/boards.js';
import { cpioArchive } from '../../src/formats/cpio/write-archive.js';
import { firmwareWalk } from '../../src/formats/network-boot/firmware-requests.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { Board } from '../../src/model/board.js';
import { sha256 } from '../../src/model/sha256.js';
import { firmwareTable } from '../helpers/firmware-table.js';
import { networkServers } from '../helpers/network-servers.js';

const host = new RealHost({
  facts: readHostFacts(process.env),
  signal: new AbortController().signal,
  environment: process.env,
  offline: false,
});
const boardsDir = join(import.meta.dirname, '../../boards');
const boards = (await listBoards({ boardsDir, cwd: boardsDir })).map(({ board }) => board);
const table = await firmwareTable();
const SERIAL = '1a2b3c4d';

let folder: string;
let servers: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-network-'));
  servers = await networkServers(host);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A folder as a build makes it, the bytes of each file its own name; with a device's own folder in it. */
async function offer(board: Board): Promise<{ readonly path: string; readonly names: ReadonlySet<string> }> {
  const path = join(folder, board.id);
  const names = new Set<string>();
  const parts = {
    kernel: { key: 'k', image: '/k/Image', imageGz: '/k/Image.gz', deviceTrees: '/k' },
    firmware: board.firmware === undefined ? undefined : { key: 'f', path: '/f', files: board.firmware.files },
    overlays: { key: 'o', path: '/o' },
    network: board.architecture === 'amd64' ? { key: 'n', bios: '/n/bios', uefi: '/n/uefi' } : undefined,
  };
  const archive = { key: 'a', path: '/a', name: 'initramfs.zst' };
  const files = networkBootFiles(board, parts, archive, { seed: 'seed.cpio' });
  for (const file of [...files, { name: 'seed.cpio', text: 'seed.cpio' }]) {
    // Larger than one block of TFTP.
    const text = 'text' in file ? file.text : file.name.repeat(200);
    for (const name of [file.name, `${SERIAL}/${file.name}`]) {
      const target = join(path, name);
      await mkdir(join(target, '..'), { recursive: true });
      await writeFile(target, text);
      names.add(name);
    }
  }
  await chmod(path, 0o755);
  // The two values that the example asks to change.
  const conf = (await readFile(join(path, 'dnsmasq.conf'), 'utf8'))
    .replace('tftp-root=/srv/netboot', 'tftp-root=/mnt')
    .replace('dhcp-range=192.168.1.0,proxy', 'dhcp-range=192.0.2.0,proxy');
  await writeFile(join(folder, `${board.id}.conf`), conf);
  return { path, names };
}

const boardsOfPis = boards.filter(({ models }) => table.some(({ model }) => models.includes(model)));
const walks = boardsOfPis.flatMap((board) =>
  table
    .filter(({ model, networkBoot }) => board.models.includes(model) && networkBoot !== 'none')
    .map((row) => ({ board: board.id, model: row.model, row })),
);

/** Runs in a network of its own, which has nothing but this machine's loopback. */
const WALK = `
conf=$1
shift
dnsmasq --keep-in-foreground --user=root --conf-file="$conf" --dhcp-leasefile=/tmp/leases --log-facility=- &
server=$!
ask() { curl --silent --max-time 5 --output /srv/answer "tftp://127.0.0.1/$1"; }
# It answers as soon as it is there.
tries=0
until ask config.txt || [ "$tries" = 10 ]; do
  tries=$((tries + 1))
  sleep 0.2
  kill -0 "$server" || exit 1
done
for path; do
  ask "$path"
  code=$?
  if [ "$code" = 0 ]; then echo "$path $(sha256sum </srv/answer | cut -d' ' -f1)"; else echo "$path error-$code"; fi
done
kill "$server"
`;

async function askByTftp(board: string, offered: string, paths: readonly string[]) {
  const mounts = [
    { source: offered, target: '/mnt' },
    { source: folder, target: '/srv', writable: true },
  ];
  const { stdout } = await host.runIn(
    { root: servers, mounts },
    { file: 'sh', args: ['-c', WALK, 'walk', `/srv/${board}.conf`, ...paths] },
  );
  return new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
}

describe.each(walks)('dnsmasq with the folder of the board $board', ({ board: id, model, row }) => {
  it.each([undefined, SERIAL])(`answers what a ${model} asks for, its own folder being %s`, async (own) => {
    const board = boards.find((one) => one.id === id);
    if (board === undefined) throw new Error(id);
    const { path, names } = await offer(board);
    const walk = await firmwareWalk(
      row,
      {
        has: (name) => names.has(name),
        text: (name) => readFile(join(path, name), 'utf8').catch(() => undefined),
      },
      own,
    );
    expect(walk.missing).toEqual([]);
    expect(walk.prefix).toBe(own === undefined ? '' : `${SERIAL}/`);
    const answers = await askByTftp(
      id,
      path,
      walk.requests.map((request) => request.path),
    );
    for (const request of walk.requests) {
      const wanted = request.found ? sha256(await readFile(join(path, request.path))) : 'error-68';
      expect(answers.get(request.path), request.path).toBe(wanted);
    }
  });
});

it.each(boards.map(({ id }) => id))('the example for dnsmasq of the board %s is understood by dnsmasq', async (id) => {
  const board = boards.find((one) => one.id === id);
  if (board === undefined) throw new Error(id);
  const { path } = await offer(board);
  const args = ['--test', '--conf-file=/mnt/dnsmasq.conf'];
  const { stderr } = await host.runIn(
    { root: servers, mounts: [{ source: path, target: '/mnt' }] },
    { file: 'dnsmasq', args },
  );
  expect(stderr).toContain('syntax check OK');
});

it('an archive of a seed is what cpio reads', async () => {
  const content = Buffer.from('#cloud-config\n');
  const entries = [
    { name: 'boot', mode: 0o755 },
    { name: 'boot/user-data', mode: 0o600, content },
  ];
  await writeFile(join(folder, 'seed.cpio'), cpioArchive(entries, 1_767_225_600));
  await cp(join(folder, 'seed.cpio'), join(folder, 'copy.cpio'));
  const mounts = [{ source: folder, target: '/mnt', writable: true }];
  const inside = { root: inject('toolsTree'), mounts, cwd: '/mnt' };
  const listed = await host.runIn(inside, {
    file: 'cpio',
    args: ['--list', '--verbose', '--numeric-uid-gid', '-F', 'copy.cpio'],
  });
  expect(listed.stdout).toMatch(/^drwxr-xr-x +2 0 +0 +0 Jan +1 +2026 boot$/m);
  expect(listed.stdout).toMatch(/^-rw------- +1 0 +0 +14 Jan +1 +2026 boot\/user-data$/m);
});
