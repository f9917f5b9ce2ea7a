import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSha256 } from '../host/file-digest.js';
import { KiB } from '../model/bytes.js';
import type { LayerCompression } from '../model/chain-layer.js';
import type { Command } from '../model/command.js';
import type { Stage } from '../pipeline/stage.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import { toolVersions } from '../tools/tools-tree.js';
import { IMAGES_INSIDE } from './file-system.js';

export type LayerImageInput = {
  readonly tools: ToolsTree;
  /** A tar archive, and what stands for its bytes. */
  readonly layer: { readonly key: string; readonly tar: string };
  /** Of the folder that everything is in: mksquashfs leaves out what an archive says of it. */
  readonly root: { readonly mode: number; readonly uid: number; readonly gid: number };
  readonly compression: LayerCompression;
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
};

/** A layer as the device mounts it. */
export type LayerImage = {
  readonly key: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
};

const IMAGE = 'layer.sqfs';
const RECORD = 'layer.json';
/** Level 22 takes twice the time of 15 for 1 %. */
const ZSTD_LEVEL = '15';
const BLOCK_BYTES = 256 * KiB;

/** Puts a layer into a squashfs: no mount and no privilege, whiteouts and file capabilities as the archive has them. */
export function layerImageStage(name: string): Stage<LayerImageInput, LayerImage> {
  return {
    name: `layer-${name}-image`,
    version: 1,
    group: `Layer ${name}`,
    key: ({ tools, layer, compression, sourceDateEpoch }) => ({
      tools: toolVersions(tools, ['squashfs-tools']),
      layer: layer.key,
      compression,
      sourceDateEpoch,
    }),
    commands: (input, { jobs }) => [layerImageCommand(IMAGE, input, jobs)],

    async run(input, out, { host, report, jobs }) {
      report.step('making the squashfs');
      const mounts = [{ source: out, target: IMAGES_INSIDE, writable: true }];
      const command = layerImageCommand(`${IMAGES_INSIDE}/${IMAGE}`, input, jobs);
      await host.runIn({ root: input.tools.root, mounts }, command, { stdinFile: input.layer.tar });
      const path = join(out, IMAGE);
      const { size } = await stat(path);
      await writeFile(join(out, RECORD), JSON.stringify({ sizeBytes: size, sha256: await fileSha256(path) }));
    },

    async open({ key, path }) {
      const recorded = JSON.parse(await readFile(join(path, RECORD), 'utf8')) as Pick<
        LayerImage,
        'sizeBytes' | 'sha256'
      >;
      return { key, path: join(path, IMAGE), ...recorded };
    },
  };
}

/** From a tar archive at stdin. The bytes do not depend on `jobs`. */
function layerImageCommand(image: string, input: Omit<LayerImageInput, 'tools' | 'layer'>, jobs: number): Command {
  const { compression, sourceDateEpoch, root } = input;
  return {
    file: 'mksquashfs',
    args: [
      ...['-', image, '-tar', '-noappend', '-quiet', '-no-progress', '-no-exports'],
      ...['-comp', compression, ...(compression === 'zstd' ? ['-Xcompression-level', ZSTD_LEVEL] : [])],
      ...['-b', BLOCK_BYTES.toString(), '-processors', jobs.toString()],
      ...['-default-mode', '755', '-default-uid', '0', '-default-gid', '0'],
      ...['-root-mode', root.mode.toString(8), '-root-uid', root.uid.toString(), '-root-gid', root.gid.toString()],
    ],
    env: { SOURCE_DATE_EPOCH: sourceDateEpoch.toString() },
  };
}
