import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fstabRows } from '../../../../src/build/debian/root-tree-node.js';
import { compatibleOf, slotTexts } from '../../../../src/build/debian/slot-texts.js';
import { checkImage } from '../../../../src/config/image/read-image-spec.js';
import { configPlaces } from '../../../../src/config/places.js';
import { identify } from '../../../../src/disk/identity.js';
import { formatFstab } from '../../../../src/formats/fstab.js';
import type { ImageSpec } from '../../../../src/model/image-spec.js';

const root = join(import.meta.dirname, '../../../..');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-slots-'));
});
afterAll(() => rm(folder, { recursive: true }));

const check = (system: string, board = 'rpi4') => checkImage({ board, system }, configPlaces(root, folder));

async function spec(): Promise<ImageSpec> {
  const { image, problems } = await check('ab');
  expect(problems).toEqual([]);
  if (image === undefined) throw new Error('no image');
  return image.spec;
}

/** Codes of a system that says this over ab. */
async function codesOf(...lines: string[]): Promise<string[]> {
  const file = join(folder, 'own.yaml');
  await writeFile(file, `extends: ab\nid: own\n${lines.join('\n')}\n`);
  return (await check(file)).problems.map(({ code }) => code);
}

describe('the system with two slots', () => {
  it('has a selector, two boot and two root partitions, and data that grows, with the numbers that devices know', async () => {
    const { id, table, partitions, volumes } = await spec();
    const identity = identify(id, table, partitions);
    expect(partitions.map(({ name, role, slot }) => [identity.partition(name).number, role, slot])).toEqual([
      [1, 'selector', undefined],
      [2, 'boot', 'a'],
      [3, 'boot', 'b'],
      [5, 'root', 'a'],
      [6, 'root', 'b'],
      [7, 'data', undefined],
    ]);
    expect(volumes['root-a']).toMatchObject({ tree: 'debian', headroomShare: 0.3 });
    expect(volumes['root-b']).toMatchObject({ sizeOf: 'root-a' });
    expect(volumes['root-b']).not.toHaveProperty('tree');
  });

  it('names nothing in fstab that is one device’s own', async () => {
    const image = await spec();
    const text = formatFstab(fstabRows(image, identify(image.id, image.table, image.partitions)));
    expect(text).not.toMatch(/PARTUUID|UUID=/);
    expect(text.split('\n').map((line) => line.split(' ').slice(0, 2))).toEqual([
      ['/dev/reswarm/root', '/'],
      ['/dev/reswarm/selector', '/boot'],
      ['/dev/reswarm/data', '/data'],
      ['/dev/reswarm/boot', '/boot/firmware'],
      [''],
    ]);
    // A trial that waits in emergency mode would never end.
    for (const line of text.split('\n').slice(1, 4)) expect(line).toMatch(/\bnofail\b/);
  });

  it('tells the device which partition is which, and RAUC what it takes', async () => {
    const image = await spec();
    const texts = slotTexts(image, identify(image.id, image.table, image.partitions));
    const text = (path: string): string => texts.find((one) => one.path === path)?.text ?? '';
    expect(text('usr/lib/reswarm/partitions')).toBe(
      '01 selector\n02 boot-a\n03 boot-b\n05 root-a\n06 root-b\n07 data\n',
    );
    expect(compatibleOf(image)).toBe('reswarm-os-rpi4');
    expect(text('etc/rauc/system.conf')).toMatch(/^compatible=reswarm-os-rpi4$/m);
    expect(text('etc/rauc/system.conf')).toMatch(/^bundle-formats=verity$/m);
  });

  it.each<[string, readonly string[], string]>([
    ['a GPT', ['table: gpt', 'partitions: [{ name: root-a, logical: false }]'], 'slots-need-mbr'],
    ['a slot that is half', ['partitions: [{ name: boot-b, slot: a }]'], 'slot-incomplete'],
    ['a slot of data', ['partitions: [{ name: data, slot: a }]'], 'slot-unfit'],
    ['no place for what slots do not have', ['partitions: [{ name: data, mount: /srv }]'], 'slots-without-data'],
    ['a second selector', ['partitions: [{ name: other, role: selector, logical: true }]'], 'partition-role-twice'],
  ])('refuses %s', async (_, lines, code) => {
    expect(await codesOf(...lines)).toContain(code);
  });

  it('refuses slots without a selector, and without slots a second boot and root', async () => {
    const file = join(folder, 'one.yaml');
    await writeFile(file, 'extends: debian\nid: own\npartitions: [{ name: root, slot: a }]\n');
    expect((await check(file)).problems.map(({ code }) => code)).toEqual(['slot-unfit']);
  });

  it('needs a kernel that can arm a trial', async () => {
    const { image } = await check('ab');
    expect(image?.spec.kernelProfiles).toEqual(['updates']);
  });
});
