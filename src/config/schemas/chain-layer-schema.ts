import * as z from 'zod';
import { CHAIN_LAYER_NAME } from '../../model/chain-layer.js';
import { packageList } from './package-schema.js';
import { softwareSchema } from './software-schema.js';

const text = z.string().min(1, { error: 'must not be empty' });

const CUSTOM = 'custom';

const name = z.string().superRefine((value, context) => {
  if (CHAIN_LAYER_NAME.test(value)) return;
  context.addIssue({
    code: CUSTOM,
    message: `"${value}" cannot be the name of a layer`,
    params: {
      code: 'layer-name-invalid',
      hint: 'Small letters and digits only, at most 32: a hyphen separates the layers of a chain.',
    },
  });
});

/** One squashfs image of a layered system. */
export const chainLayerSchema = z.strictObject({
  name: name.describe('Its part of the file name: the third of base, docker, app is base-docker-app.sqfs.'),
  layers: z
    .array(text)
    .default([])
    .describe(
      'Pieces of the root that it brings: names of `layers/<name>`, or paths of folders that begin with `./`, `../` or `/`, from this file.',
    ),
  engine: text.optional().describe('Container engine that it brings: debian, static, containerd, podman.'),
  packages: packageList
    .default([])
    .describe('Debian packages; what they depend on comes with them, unless a layer below has it.'),
  overlay: z.array(text).default([]).describe('Folders that are copied over the root; paths from this file.'),
  containerImages: z
    .array(text)
    .default([])
    .describe('Archives of `docker save` that the device loads on its first boot; paths from this file.'),
  software: z.array(softwareSchema).default([]).describe('Pinned files and systemd units, as in a board.'),
});

export type ChainLayerDefinition = z.output<typeof chainLayerSchema>;

/** A file of `build --layers`: the key of a board, alone. */
export const chainFileSchema = z.strictObject({
  layers: z.array(chainLayerSchema).min(1).describe('Layers over those of the system, from the bottom to the top.'),
});
