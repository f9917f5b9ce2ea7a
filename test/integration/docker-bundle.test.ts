import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { BUNDLE_PROGRAMS } from '../../src/model/container-engine.js';
import type { ReswarmError } from '../../src/errors.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { dockerBundleStage } from '../../src/sources/software/docker-bundle.js';
import { elfHeader } from '../helpers/arm64-program.js';
import { serve, startServer } from '../helpers/fault-server.js';

const run = promisify(execFile);
const tools = { root: inject('toolsTree'), versions: {} };
const facts = readHostFacts(process.env);
const host = new RealHost({ facts, signal: new AbortController().signal, environment: {}, offline: false });
const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };
const ARM64 = 183;
const AMD64 = 62;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-bundle-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A bundle as Docker's download server has it: docker/<program>, gzipped. */
async function bundle(programs: readonly string[], machineOf: (program: string) => number = () => ARM64) {
  await mkdir(join(folder, 'tree/docker'), { recursive: true });
  for (const program of programs) {
    const file = join(folder, 'tree/docker', program);
    await writeFile(file, Buffer.concat([elfHeader(machineOf(program)), Buffer.from(program)]));
    await chmod(file, 0o700);
  }
  await run('tar', ['-czf', join(folder, 'docker.tgz'), '-C', join(folder, 'tree'), 'docker']);
  return readFile(join(folder, 'docker.tgz'));
}

async function unpack(url: string, sha256: string): Promise<string> {
  const out = join(folder, 'out');
  const work = join(folder, 'work');
  await mkdir(out);
  await mkdir(work);
  const shared = { downloads: join(folder, 'downloads'), ccache: folder, kernelBuilds: folder };
  await dockerBundleStage.run({ tools, bundle: { version: '29.0.0', url, sha256 }, architecture: 'arm64' }, out, {
    ...{ host, report, shared, work, jobs: 1, offline: false },
  });
  return join(out, 'usr/local/bin');
}

async function unpackServed(bytes: Buffer, sha256 = sha256Of(bytes)): Promise<string> {
  await using server = await startServer(serve(bytes));
  return await unpack(`${server.url}/docker-29.0.0.tgz`, sha256);
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: unknown) => (error as ReswarmError).code,
  );
}

describe("a bundle of Docker's static programs", () => {
  it('comes over HTTP and is laid out for everybody to run', async () => {
    const programs = await unpackServed(await bundle([...BUNDLE_PROGRAMS, 'README']));
    expect((await readdir(programs)).sort()).toEqual([...BUNDLE_PROGRAMS].sort());
    for (const program of BUNDLE_PROGRAMS) expect((await stat(join(programs, program))).mode & 0o777).toBe(0o755);
  });

  it('is refused when its digest is not the pinned one', async () => {
    const bytes = await bundle([...BUNDLE_PROGRAMS]);
    expect(await codeOf(unpackServed(bytes, '0'.repeat(64)))).toBe('digest-mismatch');
  });

  it('is refused when a program is missing, and says which', async () => {
    const bytes = await bundle(BUNDLE_PROGRAMS.filter((program) => program !== 'runc'));
    const refusal = unpackServed(bytes);
    await expect(refusal).rejects.toMatchObject({ code: 'docker-bundle-incomplete' });
    await expect(refusal).rejects.toThrow('runc');
  });

  it('is refused when a program is for another processor', async () => {
    const bytes = await bundle([...BUNDLE_PROGRAMS], (program) => (program === 'docker-init' ? AMD64 : ARM64));
    const refusal = unpackServed(bytes);
    await expect(refusal).rejects.toMatchObject({ code: 'docker-bundle-architecture' });
    await expect(refusal).rejects.toThrow(/docker-init .* amd64/);
  });

  it('is refused when it is a page, or an archive of something else', async () => {
    const page = Buffer.from('<html>log in first</html>');
    expect(await codeOf(unpackServed(page))).toBe('docker-bundle-unreadable');
  });

  it('is refused when a program is a link out of it', async () => {
    await bundle(BUNDLE_PROGRAMS.filter((program) => program !== 'runc'));
    await run('ln', ['-s', '/bin/true', join(folder, 'tree/docker/runc')]);
    await run('tar', ['-czf', join(folder, 'docker.tgz'), '-C', join(folder, 'tree'), 'docker']);
    expect(await codeOf(unpackServed(await readFile(join(folder, 'docker.tgz'))))).toBe('docker-bundle-incomplete');
  });

  it('is refused when the server does not have it', async () => {
    await using server = await startServer((_, response) => response.writeHead(404).end());
    expect(await codeOf(unpack(`${server.url}/docker-29.0.0.tgz`, '0'.repeat(64)))).toBe('download-failed');
  });
});
