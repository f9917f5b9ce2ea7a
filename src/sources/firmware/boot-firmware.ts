import { chmod, copyFile, lstat, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FirmwareEntry, FirmwareFile } from '../../config/firmware-manifest.js';
import { didYouMean } from '../../config/wording.js';
import type { SourceDeb } from '../debian/packages.js';
import { fileSha256 } from '../../host/file-digest.js';
import { IntegrityError, NetworkError, type Problem } from '../../errors.js';
import type { Made, Stage, StageContext } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { unpackDeb } from '../debian/unpack-deb.js';

export type BootFirmwareInput = {
  readonly tools: ToolsTree;
  readonly firmware: FirmwareEntry;
  /** Paths of `firmware` that the board wants. */
  readonly files: readonly string[];
  /** The package of the entry's Debian source, where the package lock has it; the other sources are tried without. */
  readonly deb?: SourceDeb | undefined;
};

/** The files of the boot firmware, flat in `path`, licence included. */
export type BootFirmware = Made & { readonly files: readonly string[] };

/**
 * The files that the boot ROM loads, flat in `out`, with their licence beside them. Any source will do as long as the
 * bytes hash right: one with wrong bytes is warned about and the next one tried.
 *
 * Throws IntegrityError `digest-mismatch` when no source has the right bytes of a file, NetworkError `offline` or
 * `download-failed` when none could be reached.
 */
export const bootFirmwareStage: Stage<BootFirmwareInput, BootFirmware> = {
  name: 'boot-firmware',
  version: 1,
  group: 'Firmware',
  open: ({ key, path }, { firmware, files }) => ({ key, path, files: [...files, firmware.licence.file] }),

  check: ({ firmware, files }) => unknownFirmwareFiles(firmware, files),

  // The digests are the bytes: where those come from changes nothing.
  key: ({ firmware, files }) => ({
    files: Object.fromEntries(wantedFiles(firmware, files).map(({ path, sha256 }) => [path, sha256])),
    licence: firmware.licence,
  }),

  async run(input, out, context) {
    const { firmware } = input;
    const failures: Failure[] = [];
    let missing = wantedFiles(firmware, input.files);
    for (const source of firmware.sources) {
      if (missing.length === 0) break;
      const fetched =
        'url' in source
          ? await fromUrl(source.url, missing, context)
          : await fromDebian(source.debian, missing, input, context);
      failures.push(...fetched.failures);
      for (const { file, path } of fetched.found) {
        const target = join(out, file.path);
        await mkdir(dirname(target), { recursive: true });
        await copyFile(path, target);
        await chmod(target, 0o644);
      }
      missing = missing.filter((file) => !fetched.found.some((found) => found.file === file));
    }
    if (missing.length > 0) throw noSource(firmware, missing, failures);
    for (const { file, error } of failures) {
      if (error instanceof IntegrityError)
        context.report.warn(`${file.path}: ${error.message}`, error.details.join('; '));
    }
    await writeFile(join(out, firmware.licence.file), `${firmware.licence.text.join('\n')}\n`, { mode: 0o644 });
  },
};

/** `unknown-firmware-file`: what a board wants and the pinned firmware does not have. */
export function unknownFirmwareFiles(firmware: FirmwareEntry, files: readonly string[]): readonly Problem[] {
  const known = firmware.files.map(({ path }) => path);
  return files.filter((file) => !known.includes(file)).map((file) => unknownFile(file, firmware.name, known));
}

type Failure = { readonly file: FirmwareFile; readonly error: IntegrityError | NetworkError };
type Fetched = {
  readonly found: readonly { readonly file: FirmwareFile; readonly path: string }[];
  readonly failures: readonly Failure[];
};

async function fromDebian(
  source: { readonly package: string; readonly path: string },
  files: readonly FirmwareFile[],
  { tools, deb }: BootFirmwareInput,
  context: StageContext,
): Promise<Fetched> {
  if (deb?.name !== source.package) return { found: [], failures: [] };
  context.report.step(`unpacking ${deb.name} ${deb.version}`);
  const folder = await unpackDeb(deb, tools, context);
  const found = [];
  const failures = [];
  for (const file of files) {
    const path = join(folder, source.path, file.path);
    const origin = `${deb.name} ${deb.version}`;
    const sha256 = await digestOf(path);
    if (sha256 === file.sha256) found.push({ file, path });
    else failures.push({ file, error: wrongInPackage(file, origin, sha256) });
  }
  return { found, failures };
}

async function fromUrl(template: string, files: readonly FirmwareFile[], context: StageContext): Promise<Fetched> {
  const found = [];
  const failures = [];
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let doneBefore = 0;
  for (const file of files) {
    const { sha256, sizeBytes } = file;
    const path = join(context.shared.downloads, sha256);
    const url = template.replaceAll('{path}', file.path);
    context.report.step(`fetching ${file.path}`);
    const before = doneBefore;
    try {
      await context.host.download({
        urls: [url],
        sha256,
        sizeBytes,
        path,
        onProgress: ({ doneBytes }) => {
          context.report.progress({ done: before + doneBytes, total: totalBytes, unit: 'bytes' });
        },
      });
      found.push({ file, path });
    } catch (error) {
      if (!(error instanceof IntegrityError || error instanceof NetworkError)) throw error;
      failures.push({ file, error });
    }
    doneBefore += sizeBytes;
  }
  return { found, failures };
}

function wantedFiles(firmware: FirmwareEntry, names: readonly string[]): FirmwareFile[] {
  return firmware.files.filter(({ path }) => names.includes(path));
}

function unknownFile(file: string, firmware: string, known: readonly string[]): Problem {
  const hint = didYouMean(file, known);
  return {
    code: 'unknown-firmware-file',
    message: `the boot firmware "${firmware}" has no file "${file}"`,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Undefined when there is no such plain file. */
async function digestOf(path: string): Promise<string | undefined> {
  const status = await lstat(path).catch(() => undefined);
  return status?.isFile() === true ? fileSha256(path) : undefined;
}

function wrongInPackage(file: FirmwareFile, origin: string, sha256: string | undefined): IntegrityError | NetworkError {
  if (sha256 === undefined) return new NetworkError('download-failed', `${origin} has no file ${file.path}`);
  return new IntegrityError('digest-mismatch', `${file.path} from ${origin} is not the file that is pinned`, {
    details: [`expected sha256 ${file.sha256}`, `found    sha256 ${sha256}`, `from     ${origin}`],
  });
}

function noSource(
  firmware: FirmwareEntry,
  missing: readonly FirmwareFile[],
  failures: readonly Failure[],
): IntegrityError | NetworkError {
  const ours = failures.filter(({ file }) => missing.includes(file));
  const worst = ours.find(({ error }) => error instanceof IntegrityError) ?? ours[0];
  const names = missing.map(({ path }) => path).join(', ');
  const message = `No source of ${firmware.name} ${firmware.version} has the pinned bytes of ${names}`;
  const options = {
    details: ours.flatMap(({ error }) => [error.message, ...error.details.map((line) => `  ${line}`)]),
    hints: worst?.error.hints ?? [`firmware-manifest.json names the sources of ${firmware.name}.`],
    cause: worst?.error,
  };
  return worst?.error instanceof IntegrityError
    ? new IntegrityError(worst.error.code, message, options)
    : new NetworkError(worst?.error.code ?? 'download-failed', message, options);
}
