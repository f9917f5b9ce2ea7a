import type { ImageDescription } from '../../src/images/image-description.js';

export const KEY = 'a'.repeat(64);
export const DIGEST = 'd'.repeat(64);

/** A description with one of everything. */
export function exampleDescription(image: {
  readonly name: string;
  readonly sizeBytes: number;
  readonly fileTimes?: Readonly<Record<string, string>>;
}): ImageDescription {
  const { name, sizeBytes, fileTimes = {} } = image;
  return {
    format: 1,
    version: '0.1.0',
    key: KEY,
    sha256: DIGEST,
    sizeBytes,
    board: 'rpi4',
    boardName: 'Raspberry Pi 4',
    models: ['Raspberry Pi 4 Model B'],
    architecture: 'arm64',
    sourceDateEpoch: 1_793_491_200,
    packagesAsOf: '2026-11-21T10:00:00.000Z',
    hasOwnSeed: false,
    diskId: '1a2b3c4d',
    partitions: [
      {
        name: 'boot',
        fs: 'fat32',
        label: 'RESWARM',
        offsetBytes: 4_194_304,
        sizeBytes: 37_748_736,
        mappedBytes: 1_048_576,
        uuid: '1A2B3C4D',
        partUuid: '1a2b3c4d-01',
        mount: '/boot',
      },
    ],
    sizes: { imageBytes: sizeBytes, mappedBytes: 5, rootContentBytes: 4096, rootFiles: 1, packagesBytes: 7 },
    files: [{ name, kind: 'image', sizeBytes, sha256: DIGEST }],
    docker: { source: 'debian', images: [{ tags: ['hello:1'], sha256: DIGEST }] },
    software: [{ name: 'agent', files: [{ to: '/opt/agent', sha256: DIGEST }], units: ['agent.service'] }],
    inputs: [
      { kind: 'firmware', name: 'start4.elf', version: '1.20260101', sha256: DIGEST, sizeBytes: 2 },
      { kind: 'tool', name: 'mtools', version: '4.0' },
    ],
    packages: [{ name: 'bash', version: '5.2', architecture: 'arm64', sha256: DIGEST, sizeBytes: 7 }],
    build: { fileTimes: { ...fileTimes }, stages: [{ stage: 'disk', key: KEY, cached: false, durationMs: 12 }] },
  };
}
