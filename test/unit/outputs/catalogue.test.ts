import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import type { PublishedImage } from '../../../src/outputs/catalogue.js';
import { imagerList, supportedBoards } from '../../../src/outputs/catalogue.js';
import { imagerTags } from '../../../src/model/raspberry-pi.js';

const IMAGE: PublishedImage = {
  board: {
    id: 'rpi4',
    name: 'Raspberry Pi 4',
    models: ['Raspberry Pi 4 Model B', 'Raspberry Pi 400', 'Raspberry Pi Compute Module 4'],
    soc: 'BCM2711',
    architecture: 'arm64',
  },
  description: 'Small Debian.',
  version: '0.1.0',
  packagesAsOf: '2026-11-21T10:20:30.456Z',
  image: { sizeBytes: 433_000_000, sha256: 'a'.repeat(64) },
  file: { name: 'reswarm os.img.xz', sizeBytes: 110_000_000, sha256: 'b'.repeat(64) },
  blockMap: 'reswarm os.img.bmap',
  urlBase: 'https://example.org/images/',
};

describe('the list for Raspberry Pi Imager', () => {
  it("is what Imager's own schema asks for", async () => {
    const file = new URL('../../fixtures/rpi-imager-os-list.schema.json', import.meta.url);
    const validate = new Ajv({ strict: false }).compile(JSON.parse(await readFile(file, 'utf8')) as object);
    expect(validate(imagerList(IMAGE)), JSON.stringify(validate.errors)).toBe(true);
  });

  it('tells the digests of both, the image and the file that is fetched', () => {
    expect(imagerList(IMAGE)).toMatchObject({
      os_list: [
        {
          url: 'https://example.org/images/reswarm%20os.img.xz',
          bmap_url: 'https://example.org/images/reswarm%20os.img.bmap',
          extract_size: 433_000_000,
          extract_sha256: 'a'.repeat(64),
          image_download_size: 110_000_000,
          image_download_sha256: 'b'.repeat(64),
          init_format: 'cloudinit-rpi',
          release_date: '2026-11-21',
          devices: ['pi4-64bit'],
        },
      ],
    });
  });

  it('is not made for a board that is no Raspberry Pi', () => {
    expect(imagerList({ ...IMAGE, board: { ...IMAGE.board, models: ['QEMU virt'] } })).toBeUndefined();
  });
});

it.each([
  { models: ['Raspberry Pi 3 Model B+', 'Raspberry Pi 3 Model A+'], tags: ['pi3-64bit'] },
  { models: ['Raspberry Pi Zero 2 W'], tags: ['pi3-64bit'] },
  { models: ['Raspberry Pi Compute Module 3+', 'Raspberry Pi 4 Model B'], tags: ['pi3-64bit', 'pi4-64bit'] },
  { models: ['Raspberry Pi 5', 'Raspberry Pi Compute Module 5'], tags: ['pi5-64bit'] },
  { models: ['Raspberry Pi 400'], tags: ['pi4-64bit'] },
])('finds the tags $tags for $models', ({ models, tags }) => {
  expect(imagerTags(models)).toEqual(tags);
});

it('makes an entry for a supportedBoards.json, with the size and digest of the packed file', () => {
  expect(supportedBoards(IMAGE)).toEqual({
    latestUpdate: '2026-11-21T10:20:30',
    boards: [
      {
        board: 'raspberrypi',
        boardname: 'Raspberry Pi',
        model: 'rpi4',
        modelname: 'Raspberry Pi 4',
        architecture: 'arm64',
        cpu: 'cortex-a72',
        latestImages: [
          {
            osname: 'ReswarmOS',
            osvariant: 'image',
            version: '0.1.0',
            file: 'reswarm os.img.xz',
            size: 110_000_000,
            sha256: 'b'.repeat(64),
            buildtime: '20261121T102030',
            download: 'https://example.org/images/reswarm%20os.img.xz',
            update: '',
          },
        ],
      },
    ],
  });
});
