import { cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { replaceFolder as replaceWholeFolder } from '../host/replace-folder.js';
import { UserError } from '../errors.js';

/** What a folder made by us holds of one device. Digests are hex sha256. */
export type OutputEntry = {
  readonly instanceId: string;
  readonly seedSha256: string;
  /** File or folder of the device in the output folder. */
  readonly path: string;
  readonly overlaySha256?: string;
};

export type OutputManifest = {
  readonly kind: OutputKind;
  readonly devices: Readonly<Record<string, OutputEntry>>;
  /** sha256 (hex) of the image that overlays belong to. */
  readonly baseSha256?: string;
};

export type OutputKind = 'seeds' | 'overlays' | 'images';

const MANIFEST = 'fleet.json';
const PRIVATE_FOLDER = 0o700;

/** The folder that is being filled; `add` names what belongs to each device. */
export type Output = { readonly folder: string; readonly add: (device: string, entry: OutputEntry) => void };

/**
 * Fills a folder that takes the place of `out` when `fill` succeeds: whoever looks sees all of the old content or all
 * of the new. With `keep`, what is there of other devices stays. Only a folder that is empty or was made by us is
 * replaced. Throws UserError `output-folder-missing`, `fleet-output-not-ours`.
 */
export async function replaceFolder(
  out: string,
  kind: OutputKind,
  options: { readonly keep: boolean; readonly baseSha256?: string },
  fill: (output: Output) => Promise<void>,
): Promise<OutputManifest> {
  const before = await lookAt(out, kind);
  const devices: Record<string, OutputEntry> = {};
  return replaceWholeFolder(out, PRIVATE_FOLDER, async (staging) => {
    if (options.keep && before !== undefined) {
      Object.assign(devices, before.devices);
      for (const { path } of Object.values(before.devices)) {
        await cp(join(out, path), join(staging, path), { recursive: true, preserveTimestamps: true });
      }
    }
    await fill({
      folder: staging,
      add: (device, entry) => {
        devices[device] = entry;
      },
    });
    const { baseSha256 } = options;
    const manifest: OutputManifest = { kind, ...(baseSha256 === undefined ? {} : { baseSha256 }), devices };
    await writeFile(join(staging, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
    return manifest;
  });
}

/** What we made there before; undefined where there is nothing. */
async function lookAt(out: string, kind: OutputKind): Promise<OutputManifest | undefined> {
  const parent = await stat(dirname(out)).catch(() => undefined);
  if (parent?.isDirectory() !== true) {
    throw new UserError('output-folder-missing', `The folder ${dirname(out)} is not there`, {
      hints: [`Make it first: mkdir -p ${dirname(out)}`],
    });
  }
  const status = await stat(out).catch(() => undefined);
  if (status === undefined) return undefined;
  if (!status.isDirectory()) throw notOurs(out, 'it is not a folder');
  const names = await readdir(out);
  if (names.length === 0) return undefined;
  const manifest = await readManifest(out);
  if (manifest === undefined)
    throw notOurs(out, 'it holds files, and none of them says that it was made by this command');
  if (manifest.kind !== kind) throw notOurs(out, `it holds ${manifest.kind}, not ${kind}`);
  const ours = new Set([MANIFEST, ...Object.values(manifest.devices).map(({ path }) => path)]);
  const foreign = names.filter((name) => !ours.has(name));
  if (foreign.length > 0) throw notOurs(out, `it holds something of yours: ${foreign.slice(0, 3).join(', ')}`);
  return manifest;
}

async function readManifest(folder: string): Promise<OutputManifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')) as Partial<OutputManifest>;
    return typeof manifest.devices === 'object' ? (manifest as OutputManifest) : undefined;
  } catch {
    return undefined;
  }
}

function notOurs(out: string, why: string): UserError {
  return new UserError('fleet-output-not-ours', `${out} is not replaced: ${why}`, {
    hints: ['Name another folder with --out, or empty this one yourself.'],
  });
}
