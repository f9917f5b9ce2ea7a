import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readDefaultSeed } from '../../../src/seeds/compose/read-seed.js';
import { decodeDelta } from '../../../src/formats/delta/image-delta.js';
import { applyDelta } from '../../../src/provision/apply-delta.js';
import { openBootPartition } from '../../../src/images/edit-boot-files.js';
import { makeFleetImages, type FleetImages } from '../../../src/fleet/fleet-images.js';
import { withRawImage } from '../../../src/images/raw-image.js';
import { createFakeHost } from '../../helpers/fake-host.js';
import { fat32Disk, saveDisk } from '../../helpers/fat32-disk.js';
import { ed25519Key } from '../../helpers/seed-keys.js';
import { useFolder } from '../../helpers/fleet-texts.js';

const folder = useFolder();
const seed = { seed: await readDefaultSeed('cloud-init') };
const host = createFakeHost();
const at = (name: string): string => join(folder.path, name);

/** An image whose boot partition is empty, as a file. */
beforeEach(async () => {
  await saveDisk(fat32Disk(), at('base.img'));
  await folder.write('logo.bin', Buffer.alloc(3000, 7));
  await folder.write(
    'gates.yaml',
    `defaults: {ssh-keys: ["${ed25519Key}"], files: ["logo.bin:logo.bin"], config-txt: {arm_boost: 1}}\ndevices: [{name: a}, {name: b}, {name: c}]\n`,
  );
});

async function make(
  more: { whole?: boolean; only?: readonly string[]; out?: string; uniqueDisk?: boolean } = {},
): Promise<FleetImages> {
  return makeFleetImages(
    {
      path: at('gates.yaml'),
      workingFolder: folder.path,
      base: at('base.img'),
      out: at('out'),
      whole: false,
      uniqueDisk: false,
      sourceDateEpoch: 1_700_000_000,
      ...more,
    },
    seed,
    host,
  );
}

async function bootFile(image: string, name: string): Promise<string | undefined> {
  return withRawImage(image, host, async ({ read, sizeBytes }) => {
    const bytes = await (await openBootPartition(read, sizeBytes)).readFile(name);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  });
}

const digest = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

describe('overlays of a fleet', () => {
  it('are small, private, each of its own device, and name their base', async () => {
    const { images, baseSha256 } = await make();
    expect(images.map(({ device, file }) => [device, file])).toEqual([
      ['a', 'a.overlay'],
      ['b', 'b.overlay'],
      ['c', 'c.overlay'],
    ]);
    expect(new Set(images.map(({ instanceId }) => instanceId)).size).toBe(3);
    for (const { file } of images) {
      const { size, mode } = await stat(at(`out/${file}`));
      expect(size).toBeLessThan(100 * 1024);
      expect(mode & 0o777).toBe(0o600);
      expect(decodeDelta(await readFile(at(`out/${file}`))).baseSha256).toBe(await digest(at('base.img')));
    }
    expect(baseSha256).toBe(await digest(at('base.img')));
  });

  it('are the same bytes each time, and leave the base as it is', async () => {
    const before = await digest(at('base.img'));
    await make();
    const first = await digest(at('out/b.overlay'));
    await make();
    expect(await digest(at('out/b.overlay'))).toBe(first);
    expect(await digest(at('base.img'))).toBe(before);
  });

  it('make the very image that --whole writes', async () => {
    const { images } = await make();
    await make({ whole: true, out: at('whole') });
    for (const { device } of images) {
      const output = at(`${device}.img`);
      await applyDelta({ overlay: at(`out/${device}.overlay`), image: at('base.img'), output }, host);
      expect(await digest(output)).toBe(await digest(at(`whole/${device}.img`)));
      expect(await bootFile(output, 'meta-data')).toContain(`local-hostname: "${device}"`);
      expect(await bootFile(output, 'config.txt')).toContain('arm_boost=1');
      expect(await bootFile(output, 'logo.bin')).toHaveLength(3000);
      expect((await stat(output)).mode & 0o777).toBe(0o600);
    }
  }, 60_000);

  it('are made again for one device beside the others', async () => {
    await make();
    const before = await digest(at('out/a.overlay'));
    await make({ only: ['b'], uniqueDisk: true });
    expect((await readdir(at('out'))).toSorted()).toEqual(['a.overlay', 'b.overlay', 'c.overlay', 'fleet.json']);
    expect(await digest(at('out/a.overlay'))).toBe(before);
  });

  it('are not made when one device is wrong', async () => {
    await folder.write(
      'gates.yaml',
      'devices: [{name: a}, {name: b, timezone: nowhere at all}, {name: c, ssh-keys: [x.pub]}]\n',
    );
    await expect(make()).rejects.toMatchObject({
      problems: [
        { code: 'timezone-invalid', line: 1 },
        { code: 'file-missing', line: 1 },
      ],
    });
    expect(await readdir(folder.path)).not.toContain('out');
  });

  it('do not take the place of whole images', async () => {
    await make({ whole: true });
    await expect(make()).rejects.toMatchObject({ code: 'fleet-output-not-ours' });
  });
});

describe('an overlay', () => {
  it('is applied in place once; the second time there is nothing to do', async () => {
    await make();
    const ways = { overlay: at('out/a.overlay'), image: at('base.img') };
    expect(await applyDelta(ways, host)).toMatchObject({ unchanged: false });
    const after = await digest(at('base.img'));
    expect(await applyDelta(ways, host)).toMatchObject({ unchanged: true, writtenBytes: 0 });
    expect(await digest(at('base.img'))).toBe(after);
  });

  it('is refused for an image that it was not made for, which stays as it is', async () => {
    await make();
    await applyDelta({ overlay: at('out/a.overlay'), image: at('base.img') }, host);
    const before = await digest(at('base.img'));
    const ways = { overlay: at('out/b.overlay'), image: at('base.img') };
    await expect(applyDelta(ways, host)).rejects.toMatchObject({ code: 'overlay-wrong-image' });
    await expect(applyDelta({ ...ways, output: at('new.img') }, host)).rejects.toMatchObject({
      code: 'overlay-wrong-image',
    });
    expect(await digest(at('base.img'))).toBe(before);
    expect(await readdir(folder.path)).not.toContain('new.img');
  });

  it('is refused when it is damaged, cut off, or not there', async () => {
    await make();
    const bytes = await readFile(at('out/a.overlay'));
    await folder.write('cut.overlay', bytes.subarray(0, -9));
    bytes.writeUInt8(bytes.readUInt8(600) ^ 1, 600);
    await folder.write('damaged.overlay', bytes);
    for (const name of ['cut.overlay', 'damaged.overlay', 'gates.yaml']) {
      await expect(applyDelta({ overlay: at(name), image: at('base.img') }, host)).rejects.toMatchObject({
        code: 'overlay-invalid',
      });
    }
    await expect(applyDelta({ overlay: at('none'), image: at('base.img') }, host)).rejects.toMatchObject({
      code: 'overlay-unreadable',
    });
  });
});
