import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, resultOf } from '../helpers/cli.js';
import type { LoopCard } from '../helpers/loop-card.js';
import { makeLoopCard } from '../helpers/loop-card.js';
import type { Gate } from '../helpers/fleet-files.js';
import { identityOf, writeGates } from '../helpers/fleet-files.js';

const CARD_BYTES = 600_000_000;

let folder: string;
let fleet: string;
let gates: readonly Gate[];
const cards: LoopCard[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-e2e-fleet-'));
  const built = await cli(['build', '--board', 'rpi4', '--yes', '--json', '--output', join(folder, 'base.img')]);
  expect(built.exitCode, built.stdout.slice(-2000) + built.stderr).toBe(0);
  gates = await writeGates(folder, ['ada', 'bo', 'cy']);
  fleet = join(folder, 'gates.yaml');
  for (const { name } of gates) cards.push(await makeLoopCard(join(folder, `${name}.card`), CARD_BYTES));
});

afterAll(async () => {
  for (const card of cards) card.detach();
  await rm(folder, { recursive: true });
});

describe('one image and a list of three devices', () => {
  it('become three cards in one command', async () => {
    const to = cards.flatMap(({ path }) => ['--to', path]);
    const flashed = await cli(['flash', join(folder, 'base.img'), ...to, '--fleet', fleet, '--yes', '--json']);
    expect(flashed.exitCode, flashed.stdout.slice(-2000) + flashed.stderr).toBe(0);
    expect(resultOf(flashed)).toMatchObject({
      cards: gates.map(({ name }, index) => ({ path: cards[index]?.path, name, hostname: name })),
    });
  });

  it('whose record says which card is which device', async () => {
    const status = resultOf(await cli(['fleet', 'status', fleet, '--json']));
    expect(status).toMatchObject({
      devices: gates.map(({ name }, index) => ({
        device: name,
        state: 'written',
        times: 1,
        last: { card: { path: cards[index]?.path } },
      })),
    });
  });

  it.each([0, 1, 2])('of which card %i boots with a name, a user, a key and an address of its own', async (index) => {
    const gate = gates[index];
    const card = cards[index];
    if (gate === undefined || card === undefined) throw new Error('there are three of each');
    const log = join(folder, `${gate.name}.log`);
    const booted = await cli(['boot', card.path, '--check', '--json', '--timeout', '900', '--log', log]);
    expect(booted.exitCode, booted.stdout.slice(-4000)).toBe(0);
    const said = identityOf(await readFile(log, 'utf8'));
    expect(said).toContain(`identity address ${gate.name} ${gate.address}`);
    expect(said.filter((line) => line.startsWith('identity key'))).toEqual([
      `identity key ${gate.name} /home/${gate.user}/.ssh/authorized_keys ${gate.key}`,
    ]);
    for (const other of gates.filter((one) => one !== gate)) {
      expect(said.join('\n')).not.toContain(other.key);
      expect(said.join('\n')).not.toContain(other.address);
    }
  });
});
