import * as z from 'zod';
import { FEATURES } from '../../model/image-spec.js';
import { packageName } from '../package-name.js';

const text = z.string().min(1, { error: 'must not be empty' });

/** Another archive of Docker's static programs than the one of firmware-manifest.json. */
export const dockerBundlePin = z.strictObject({
  version: text.describe("Docker's version."),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { error: 'must be a sha256: 64 hex digits in small letters' })
    .describe('What the archive must hash to.'),
  url: z
    .string()
    .regex(/^https?:\/\/\S+$/, { error: 'must begin with https:// or http://' })
    .optional()
    .describe("Where it is; default: Docker's own download server. {version} stands for the version."),
});

/** `layer.yaml` of a folder; the folder is its name, `files/` beside it is copied over the root. */
export const layerSchema = z.strictObject({
  description: text.describe('One sentence: what this layer brings.'),
  with: z
    .array(text)
    .default([])
    .describe('Layers whose packages and files come before its own; in an image each is there once.'),
  packages: z.array(packageName).default([]).describe('Debian packages.'),
  required: z
    .record(packageName, text)
    .default({})
    .describe('Packages that cannot be left out, and why: its files use them, or the build does.'),
  shapesPackages: z
    .boolean()
    .default(true)
    .describe(
      'Its dpkg filters and presets count while packages are installed. False: another such layer installs no packages again.',
    ),
  units: z
    .array(
      z.string().regex(/^[\w@.:-]+\.(service|socket|timer|path|mount|target|slice)$/, 'must be the name of a unit'),
    )
    .default([])
    .describe('systemd units among its files that no package brings; presets decide which of them start.'),
  sysusers: z
    .array(z.string().regex(/^[\w.-]+\.conf$/, 'must be the name of a file of sysusers.d'))
    .default([])
    .describe('Files of usr/lib/sysusers.d among its own whose users and groups must exist in the image already.'),
  engine: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, { error: 'must be small letters, digits and -' })
    .optional()
    .describe('It is a container engine, and this is what `engine`, `docker.source` and `--docker` call it.'),
  loadsDockerArchives: z
    .boolean()
    .default(false)
    .describe("The engine loads container images with `docker load`: their archives need Docker's manifest."),
  bundle: z
    .union([z.literal('pinned'), dockerBundlePin])
    .optional()
    .describe('Its programs are an archive of Docker: the one of firmware-manifest.json (`pinned`), or another.'),
  features: z.array(z.enum(FEATURES)).default([]).describe('What an image with it can do; the boot check asks for it.'),
});

export type LayerDefinition = z.output<typeof layerSchema>;
