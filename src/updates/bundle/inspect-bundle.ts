import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as z from 'zod';
import { CommandError, IntegrityError, UserError } from '../../errors.js';
import type { Host } from '../../host/host.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { runSigning } from '../signing-tools.js';

/** What `rauc info --output-format=json-2` says, as far as it is used here. */
const infoSchema = z.object({
  update: z.object({ compatible: z.string(), version: z.string().optional() }),
  images: z.array(
    z.object({
      'slot-class': z.string(),
      filename: z.string(),
      checksum: z.string(),
      size: z.number(),
      adaptive: z.array(z.string()).optional(),
    }),
  ),
  'manifest-hash': z.string(),
  bundle: z.object({
    format: z.string(),
    'verity-size': z.number().optional(),
    'verity-salt': z.string().optional(),
    'verity-hash': z.string().optional(),
  }),
});

export type BundleFacts = {
  readonly bundle: string;
  readonly sizeBytes: number;
  readonly compatible: string;
  readonly version: string;
  readonly format: string;
  readonly images: readonly {
    readonly slot: string;
    readonly file: string;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly isAdaptive: boolean;
  }[];
  readonly manifestSha256: string;
  /** The signature was checked with a keyring. */
  readonly isVerified: boolean;
  /** "O = reswarm-os, CN = bundles 1"; where it was checked. */
  readonly signedBy?: string;
};

type Verity = { readonly treeBytes: number; readonly salt: string; readonly rootHash: string };
type ReadBundle = { readonly facts: BundleFacts; readonly verity: Verity | undefined };

/** As the first bytes of every bundle are. */
const SQUASHFS_MAGIC = 'hsqs';
/** A bundle ends with the size of its signature. */
const SIZE_BYTES = 8;

/**
 * What a bundle says of itself. Throws UserError `bundle-not-found`, `not-a-bundle`; with a keyring IntegrityError
 * `bundle-signature-invalid`.
 */
export async function inspectBundle(
  path: string,
  keyring: string | undefined,
  tools: ToolsTree,
  host: Host,
): Promise<BundleFacts> {
  return (await readBundle(path, keyring, tools, host)).facts;
}

/**
 * Checks the signature and then every byte of the content. Throws what inspectBundle throws, UserError `bundle-plain`
 * and IntegrityError `bundle-content-damaged`.
 */
export async function verifyBundle(path: string, keyring: string, tools: ToolsTree, host: Host): Promise<BundleFacts> {
  const { facts, verity } = await readBundle(path, keyring, tools, host);
  if (verity === undefined) {
    throw new UserError('bundle-plain', `${path} is a bundle of the format ${facts.format}; devices take verity only`, {
      hints: ['Make it with reswarm-os bundle.'],
    });
  }
  await verifyContent(path, verity, tools, host);
  return facts;
}

async function readBundle(
  path: string,
  keyring: string | undefined,
  tools: ToolsTree,
  host: Host,
): Promise<ReadBundle> {
  await requireBundle(path);
  const mounts = [
    { source: resolve(path), target: '/run/bundle.raucb' },
    ...(keyring === undefined ? [] : [{ source: resolve(keyring), target: '/run/keyring.pem' }]),
  ];
  const check = keyring === undefined ? '--no-verify' : '--keyring=/run/keyring.pem';
  const text = `rauc -C keyring:use-bundle-signing-time=true info ${check} --output-format=json-2 /run/bundle.raucb`;
  try {
    const { stdout, stderr } = await runSigning({ text, mounts }, tools, host);
    return parseInfo(path, (await stat(path)).size, stdout, stderr, keyring !== undefined);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const { details } = error;
    if (keyring === undefined) {
      throw new UserError('not-a-bundle', `RAUC cannot read ${path}`, { details, cause: error });
    }
    throw new IntegrityError('bundle-signature-invalid', `The signature of ${path} is not one that ${keyring} trusts`, {
      details,
      hints: ['Was it made with other keys, or changed afterwards? "bundle inspect" shows it without checking.'],
      cause: error,
    });
  }
}

async function requireBundle(path: string): Promise<void> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new UserError('bundle-not-found', `${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  });
  try {
    const head = Buffer.alloc(SQUASHFS_MAGIC.length);
    await file.read(head, 0, head.length, 0);
    if (head.toString('latin1') === SQUASHFS_MAGIC) return;
  } finally {
    await file.close();
  }
  throw new UserError('not-a-bundle', `${path} is not a bundle of RAUC`, {
    hints: ['Make one of an image: reswarm-os bundle IMAGE --key KEYS --output FILE.raucb'],
  });
}

function parseInfo(path: string, sizeBytes: number, json: string, log: string, isVerified: boolean): ReadBundle {
  const { update, images, bundle, 'manifest-hash': manifestSha256 } = infoSchema.parse(JSON.parse(json));
  const signedBy = isVerified ? /Verified \w+ signature by '([^']+)'/.exec(log)?.[1] : undefined;
  const { 'verity-size': treeBytes, 'verity-salt': salt, 'verity-hash': rootHash } = bundle;
  const hasVerity = treeBytes !== undefined && salt !== undefined && rootHash !== undefined;
  return {
    facts: {
      bundle: path,
      sizeBytes,
      compatible: update.compatible,
      version: update.version ?? '',
      format: bundle.format,
      images: images.map((image) => ({
        slot: image['slot-class'],
        file: image.filename,
        sizeBytes: image.size,
        sha256: image.checksum,
        isAdaptive: image.adaptive?.includes('block-hash-index') === true,
      })),
      manifestSha256,
      isVerified,
      ...(signedBy === undefined ? {} : { signedBy }),
    },
    verity: hasVerity ? { treeBytes, salt, rootHash } : undefined,
  };
}

/** The signature covers the root of a hash tree over the content; veritysetup walks the tree. */
async function verifyContent(path: string, { treeBytes, salt, rootHash }: Verity, tools: ToolsTree, host: Host) {
  const treeOffset = await treeOffsetOf(path, treeBytes);
  const blocks = treeOffset / VERITY_BLOCK_BYTES;
  const text = `veritysetup verify --no-superblock --format=1 --hash=sha256 --data-block-size=${VERITY_BLOCK_BYTES} \\
  --hash-block-size=${VERITY_BLOCK_BYTES} --data-blocks=${blocks} --hash-offset=${treeOffset} --salt=${salt} \\
  /run/bundle.raucb /run/bundle.raucb ${rootHash}`;
  try {
    await runSigning({ text, mounts: [{ source: resolve(path), target: '/run/bundle.raucb' }] }, tools, host);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new IntegrityError('bundle-content-damaged', `The content of ${path} is not what was signed`, {
      details: error.details,
      hints: ['Copy or download it again.'],
      cause: error,
    });
  }
}

const VERITY_BLOCK_BYTES = 4096;

/** Content, tree, signature, size of the signature: that is a bundle, from its beginning to its end. */
async function treeOffsetOf(path: string, treeBytes: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const end = Buffer.alloc(SIZE_BYTES);
    await file.read(end, 0, SIZE_BYTES, size - SIZE_BYTES);
    return size - SIZE_BYTES - Number(end.readBigUInt64BE()) - treeBytes;
  } finally {
    await file.close();
  }
}
