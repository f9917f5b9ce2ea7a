import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UPDATE_FAILURES } from '../../src/check/check-slots.js';
import type { BootProof } from '../../src/model/boot-proof.js';
import { cli, resultOf } from '../helpers/cli.js';

const run = promisify(execFile);

let folder: string;
const inFolder = (name: string): string => join(folder, name);

/** The standard kernel can do all that QEMU asks for: without a Raspberry Pi there is no flag to set. */
const SYSTEM = `extends: ${resolve('systems/ab.yaml')}\nid: ab-standard\nkernel: standard\n`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-slots-'));
  await writeFile(inFolder('ab-standard.yaml'), SYSTEM);
  await writeFile(inFolder('root.pass'), 'a passphrase for this test\n');
  const keys = ['keys', 'new', inFolder('keys'), '--plain-signer', '--root-passphrase-file', inFolder('root.pass')];
  expect((await cli([...keys, '--json'])).exitCode).toBe(0);
  const built = await cli([
    ...['build', '--board', 'rpi4', '--system', inFolder('ab-standard.yaml'), '--hostname', 'twice', '--json', '--yes'],
    ...['--update-keyring', inFolder('keys/root.pem'), '--output', inFolder('ab.img')],
  ]);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  const bundle = ['bundle', inFolder('ab.img'), '--key', inFolder('keys'), '--output', inFolder('new.raucb')];
  const bundled = await cli([...bundle, '--version', '1.0.1', '--json']);
  expect(bundled.exitCode, bundled.stdout + bundled.stderr).toBe(0);
}, 3_600_000);

afterAll(() => rm(folder, { recursive: true }));

async function check(...more: string[]): Promise<BootProof> {
  const result = await cli(['boot', inFolder('ab.img'), '--check', '--firmware-model', '--json', ...more]);
  return resultOf(result) as unknown as BootProof;
}

describe('an image with two slots', () => {
  it('has the partitions that devices know by their numbers', async () => {
    const { stdout } = await run('sfdisk', ['--json', inFolder('ab.img')]);
    const table = JSON.parse(stdout) as {
      partitiontable: { partitions: { node: string; size: number; type: string }[] };
    };
    const { partitions } = table.partitiontable;
    expect(partitions.map(({ node, type }) => `${node.slice(-1)} ${type}`)).toEqual([
      ...['1 c', '2 c', '3 c', '4 f', '5 83', '6 83', '7 83'],
    ]);
    expect(partitions[1]?.size).toBe(partitions[2]?.size);
    expect(partitions[4]?.size).toBe(partitions[5]?.size);
  });

  it('starts as a Raspberry Pi would start it, and is healthy', async () => {
    const proof = await check();
    expect(proof.milestones.filter(({ ok }) => !ok)).toEqual([]);
    expect(proof.verdict).toBe('works');
  });

  it('takes an update that stays, with identity and data', async () => {
    const proof = await check('--update', inFolder('new.raucb'));
    expect(proof.milestones.filter(({ ok }) => !ok)).toEqual([]);
  });

  it.each(UPDATE_FAILURES)('goes back to the old slot when an update fails by %s, and tells why', async (failure) => {
    const proof = await check('--update', inFolder('new.raucb'), '--fail', failure);
    expect(proof.milestones.filter(({ ok }) => !ok)).toEqual([]);
  });
});
