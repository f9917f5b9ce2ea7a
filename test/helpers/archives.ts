import { createHash } from 'node:crypto';

/** A tar archive by hand, ustar headers, for tests that need broken ones too. */
export type TarEntry = {
  readonly path: string;
  readonly data?: Buffer | string;
  readonly type?: string;
  readonly mode?: number;
};

export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ path, data = '', type = '0', mode = 0o644 }) => {
    const bytes = Buffer.from(data);
    return [tarHeader(path, bytes.length, type, mode), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export function tarHeader(path: string, sizeBytes: number, type = '0', mode = 0o644): Buffer {
  const block = Buffer.alloc(512);
  block.write(path, 0, 100);
  block.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write(type, 156);
  block.write('ustar\0' + '00', 257);
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

export type ImageOptions = {
  readonly tags?: readonly string[];
  readonly architecture?: string;
  /** A tar of the file system. */
  readonly layer?: Buffer;
  /** Without manifest.json: an OCI layout alone. */
  readonly oci?: boolean;
  readonly command?: readonly string[];
};

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

/** A container image as `docker save` of today writes one: an OCI layout with a manifest.json beside. */
export function savedImage(options: ImageOptions = {}): TarEntry[] {
  const { tags = ['app:1'], architecture = 'arm64', layer = tarOf([{ path: 'hello', data: 'hello\n' }]) } = options;
  const config = JSON.stringify({
    architecture,
    os: 'linux',
    config: options.command === undefined ? {} : { Cmd: options.command },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
  });
  const blob = (data: Buffer | string, mediaType: string) => {
    return { mediaType, digest: `sha256:${sha256(data)}`, size: Buffer.byteLength(data) };
  };
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: blob(config, 'application/vnd.oci.image.config.v1+json'),
    layers: [blob(layer, 'application/vnd.oci.image.layer.v1.tar')],
  });
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: tags.map((tag) => ({
      ...blob(manifest, 'application/vnd.oci.image.manifest.v1+json'),
      annotations: { 'io.containerd.image.name': `docker.io/${tag.includes('/') ? tag : `library/${tag}`}` },
    })),
  });
  const blobs = [config, layer, manifest].map((data) => ({ path: `blobs/sha256/${sha256(data)}`, data }));
  const docker = JSON.stringify([
    { Config: `blobs/sha256/${sha256(config)}`, RepoTags: tags, Layers: [`blobs/sha256/${sha256(layer)}`] },
  ]);
  return [
    { path: 'blobs/', type: '5' },
    ...blobs,
    { path: 'index.json', data: index },
    ...(options.oci === true ? [] : [{ path: 'manifest.json', data: docker }]),
    { path: 'oci-layout', data: '{"imageLayoutVersion":"1.0.0"}' },
  ];
}

type ClassicOptions = {
  /** By the configuration's sha256. */
  readonly configName?: (hex: string) => string;
  readonly layerName?: string;
  readonly architecture?: string;
  readonly variant?: string;
  readonly os?: string;
  /** Before every name: `./`, as `tar -C folder -c .` writes. */
  readonly prefix?: string;
};

/** A container image with a manifest.json alone: `docker save` of before 25, and crane, ko and kaniko in their own ways. */
export function classicImage(options: ClassicOptions = {}): TarEntry[] {
  const { configName = (hex) => `${hex}.json`, layerName = `${'1'.repeat(64)}/layer.tar`, prefix = '' } = options;
  const { architecture = 'arm64', os = 'linux', variant } = options;
  const config = JSON.stringify({ architecture, os, variant, config: {}, rootfs: { type: 'layers', diff_ids: [] } });
  const name = configName(sha256(config));
  const manifest = JSON.stringify([{ Config: name, RepoTags: ['app:1'], Layers: [layerName] }]);
  return [
    { path: name, data: config },
    { path: layerName, data: tarOf([{ path: 'hello', data: 'hello\n' }]) },
    { path: 'manifest.json', data: manifest },
  ].map((entry) => ({ ...entry, path: `${prefix}${entry.path}` }));
}
