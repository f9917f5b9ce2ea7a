import * as z from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.int().nonnegative();
const optionalDigest = sha256.describe('sha256 of its bytes, where it has any.').optional();

/** What kinds of inputs a build has, apart from the packages that are installed. */
export const INPUT_KINDS = [
  'board',
  'firmware',
  'source-package',
  'kernel-fragment',
  'kernel-patch',
  'device-tree-overlay',
  'overlay',
  'software',
  'container-image',
  'download',
  'tool',
] as const;

/**
 * The file `.json` beside an image. All of it but `build` is the same for the same inputs. Nothing of the seed is in
 * it: a digest of something with few secret bits lets others test guesses.
 */
export const imageDescriptionSchema = z.strictObject({
  format: z.literal(1).describe('Of this file; another number means that keys have another meaning.'),
  version: z.string().describe('Of the reswarm-os that built the image.'),
  key: sha256.describe('Digest of everything that went into the image; the same key means the same bytes.'),
  sha256: sha256.describe('Of the image.'),
  sizeBytes: bytes.describe('Size of the image.'),
  board: z.string().describe('Id of the board.'),
  boardName: z.string().describe('Its name.'),
  models: z.array(z.string()).describe('What it runs on.'),
  architecture: z.string().describe("Debian's name of the architecture."),
  sourceDateEpoch: bytes.describe('No file in the image is younger; seconds since 1970.'),
  packagesAsOf: z.string().describe('When the Debian archive was looked at; ISO 8601, UTC.'),
  hasOwnSeed: z.boolean().describe("The image carries one device's own seed: names, keys, password hashes."),
  diskId: z.string().describe('Eight hex digits; partitions are named `<diskId>-<two digits>`.'),
  partitions: z
    .array(
      z.strictObject({
        name: z.string().describe('boot, root, or what the system calls it.'),
        fs: z.string().describe('Its file system.'),
        label: z.string().describe('Label of the file system.'),
        offsetBytes: bytes.describe('Where it begins in the image.'),
        sizeBytes: bytes.describe('Its length.'),
        mappedBytes: bytes.describe('What its file system uses of that; as the block map has it.'),
        uuid: z.string().describe('Of the file system; a volume serial for FAT.'),
        partUuid: z.string().describe('As the kernel command line and fstab name it.'),
        mount: z.string().optional().describe('Where the device mounts it, if it does.'),
      }),
    )
    .describe('In the order of the partition table.'),
  sizes: z
    .strictObject({
      imageBytes: bytes.describe('The image.'),
      mappedBytes: bytes.describe('What has to be written to a card.'),
      rootContentBytes: bytes.describe('What the files of the root file system take.'),
      rootFiles: bytes.describe('Files, folders and links in it.'),
      packagesBytes: bytes.describe('The installed packages as they were fetched.'),
    })
    .describe('Where the bytes are.'),
  files: z
    .array(
      z.strictObject({
        name: z.string().describe('In the folder of this file.'),
        kind: z.enum(['image', 'compressed', 'block-map', 'virtual-disk']).describe('What it is.'),
        sizeBytes: bytes.describe('Its length.'),
        sha256: sha256.describe('Its digest; SHA256SUMS has it too.'),
      }),
    )
    .describe('The image and what was made from it.'),
  docker: z
    .strictObject({
      source: z.string().describe('Where the container engine comes from.'),
      bundle: z
        .strictObject({ version: z.string().describe('Of Docker.'), sha256: sha256.describe('Of the archive.') })
        .optional()
        .describe("Docker's own static programs, with that source."),
      images: z
        .array(
          z.strictObject({
            tags: z.array(z.string()).describe('Names by which they can be run.'),
            sha256: sha256.describe('Of the archive.'),
          }),
        )
        .describe('Container images that the device loads on its first boot.'),
    })
    .describe('Containers.'),
  software: z
    .array(
      z.strictObject({
        name: z.string().describe('Its name.'),
        files: z
          .array(
            z.strictObject({ to: z.string().describe('Path on the device.'), sha256: sha256.describe('Of the file.') }),
          )
          .describe('Where they go.'),
        units: z.array(z.string()).describe('Its systemd units.'),
      }),
    )
    .describe("Software of one's own."),
  inputs: z
    .array(
      z.strictObject({
        kind: z.enum(INPUT_KINDS).describe('What it is.'),
        name: z.string().describe('A name, never a path of the machine that built.'),
        version: z.string().optional().describe('Where it has one.'),
        sha256: optionalDigest,
        sizeBytes: bytes.optional().describe('Where it is one file.'),
      }),
    )
    .describe('What went into the build, apart from the packages that are installed.'),
  packages: z
    .array(
      z.strictObject({
        name: z.string().describe('Of the package.'),
        version: z.string().describe("Debian's version."),
        architecture: z.string().describe('Its architecture, or all.'),
        sha256: sha256.describe('Of the package file.'),
        sizeBytes: bytes.describe('Of the package file.'),
      }),
    )
    .describe('What dpkg has installed, or what the files of a minimal root come from.'),
  rootFiles: z
    .array(
      z.strictObject({
        path: z.string().describe('On the device.'),
        sizeBytes: bytes.describe('Its length.'),
        sha256: sha256.describe('Of its bytes.'),
        package: z.string().optional().describe('The package that it comes from, if any.'),
        version: z.string().optional().describe('Of that package.'),
        architecture: z.string().optional().describe('Of that package.'),
      }),
    )
    .optional()
    .describe('Every file of a minimal root, and where it comes from.'),
  build: z
    .strictObject({
      fileTimes: z
        .record(z.string(), z.string())
        .describe('When each file was written; how the next build knows them.'),
      stages: z
        .array(
          z.strictObject({
            stage: z.string().describe('Name of the step.'),
            key: z.string().describe('Digest of its inputs.'),
            cached: z.boolean().describe('Its result was in the store.'),
            durationMs: bytes.describe('Wall time.'),
          }),
        )
        .describe('How long each step took.'),
    })
    .describe('How this build went. Differs between builds of the same image; all else does not.'),
});

export type ImageDescription = z.output<typeof imageDescriptionSchema>;
export type ImageInput = ImageDescription['inputs'][number];
export type ImageOutput = ImageDescription['files'][number];

/** For other programs; committed as docs/schemas/image.schema.json. */
export function imageDescriptionJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(imageDescriptionSchema);
  return { $schema, title: 'Description of an image built by reswarm-os', ...rest };
}

/** Undefined for anything that is not a description as this version writes it. */
export function parseImageDescription(text: string): ImageDescription | undefined {
  try {
    return imageDescriptionSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
