import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Problem } from '../errors.js';
import type { RootKey } from '../filesystems/luks.js';
import { readSecretFile } from '../host/secret-file.js';
import { formatSize, MiB } from '../model/bytes.js';
import type { RootSpec } from '../model/image-spec.js';
import type { BuildOptions } from './build-options.js';

type KeyOptions = Pick<BuildOptions, 'rootKey' | 'askRootPassphrase' | 'workingFolder'>;
type ReadKey = { readonly key?: RootKey; readonly problems: readonly Problem[] };

/**
 * What opens the root that a build encrypts. Throws UserError `secret-file-unreadable`, `secret-empty`. Codes:
 * `root-key-missing`, `root-key-unused`, `root-key-unfit`, `root-key-readable`.
 */
export async function readRootKey(root: RootSpec, options: KeyOptions): Promise<ReadKey> {
  const encryption = root.kind === 'partition' ? root.encryption : undefined;
  const { rootKey: file, askRootPassphrase, workingFolder } = options;
  if (encryption?.at !== 'build') return { problems: file === undefined ? [] : [unused(encryption !== undefined)] };
  if (file === undefined) {
    if (encryption.unlock === 'keyfile' || askRootPassphrase === undefined)
      return { problems: [missing(encryption.unlock)] };
    return { key: { passphrase: await askRootPassphrase() }, problems: [] };
  }
  const path = file === '-' ? file : resolve(workingFolder, file);
  const problems = file === '-' ? [] : await fileProblems(path);
  if (problems.length > 0) return { problems };
  if (encryption.unlock === 'keyfile') return { key: { file: path }, problems: [] };
  const passphrase = await readSecretFile(file, workingFolder);
  return { key: { passphrase }, problems: passphraseProblems(passphrase) };
}

/** cryptsetup reads no more of what is typed, and of a file. */
const LONGEST_PASSPHRASE = 512;
const LARGEST_KEY_BYTES = 8 * MiB;

export function passphraseProblems(passphrase: string): readonly Problem[] {
  const length = Buffer.byteLength(passphrase);
  // What a serial line sends for letters beyond ASCII depends on the terminal.
  if (length >= 8 && length <= LONGEST_PASSPHRASE && /^[\x20-\x7e]*$/.test(passphrase)) return [];
  return [
    {
      code: 'root-key-unfit',
      message: `The passphrase of the root has ${length} bytes${/^[\x20-\x7e]*$/.test(passphrase) ? '' : ', some of them no ASCII'}`,
      hint: `Take 8 to ${LONGEST_PASSPHRASE} letters, digits and signs that every keyboard has: it is typed before any keymap is loaded.`,
    },
  ];
}

async function fileProblems(path: string): Promise<readonly Problem[]> {
  const status = await stat(path).catch(() => undefined);
  if (status?.isFile() !== true) {
    const message = status === undefined ? `There is no file ${path}` : `${path} is not a file`;
    return [
      { code: 'root-key-missing', message, hint: 'Name the file that holds the passphrase or the key of the root.' },
    ];
  }
  if ((status.mode & 0o077) !== 0) {
    return [
      {
        code: 'root-key-readable',
        message: `Others on this machine can read ${path}, which opens the root`,
        hint: `chmod 600 ${path}`,
      },
    ];
  }
  if (status.size > 0 && status.size <= LARGEST_KEY_BYTES) return [];
  const message = `${path} has ${status.size === 0 ? 'no byte' : formatSize(status.size)}`;
  return [
    {
      code: 'root-key-unfit',
      message,
      hint: `A key has up to ${formatSize(LARGEST_KEY_BYTES)}: head -c 64 /dev/urandom`,
    },
  ];
}

function unused(byDevice: boolean): Problem {
  return {
    code: 'root-key-unused',
    message: byDevice
      ? 'The device encrypts its root itself, on its first boot'
      : 'The root of this image is not encrypted',
    hint: 'Leave --root-key out, or say root.encryption with when: build in the system or the board.',
  };
}

function missing(unlock: string): Problem {
  return {
    code: 'root-key-missing',
    message: `The root is encrypted, and no ${unlock === 'keyfile' ? 'key' : 'passphrase'} was given`,
    hint: 'Name a file that only you can read: --root-key FILE',
  };
}
