import { copyFile, truncate } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../model/command.js';
import { KiB } from '../model/bytes.js';
import { LUKS_BYTES } from '../model/root-encryption.js';
import type { Stage } from '../pipeline/stage.js';
import type { ToolsTree } from '../tools/tools-tree.js';
import type { Volume } from './volume.js';

/** What opens the root: a passphrase, or a file whose bytes are the key. */
export type RootKey = { readonly passphrase: string } | { readonly file: string };

/** cryptsetup as it runs on this machine: a folder of unpacked packages, and where in it program and libraries are. */
export type Cryptsetup = { readonly key: string; readonly root: string; readonly libraries: string };

export type LuksInput = {
  readonly tools: ToolsTree;
  readonly cryptsetup: Cryptsetup;
  readonly volume: Volume;
  readonly rootKey: RootKey;
  /** Another one for each build: the volume key and the salts are random. */
  readonly nonce: string;
  readonly uuid: string;
  readonly label: string;
  /** Of Argon2id. */
  readonly memoryBytes: number;
};

/**
 * Encrypts a finished file system in its file, without device-mapper: cryptsetup moves its first data behind it and
 * writes its header in front. A step and never a stage: what is encrypted for somebody stays out of the store.
 */
export const luksStage: Stage<LuksInput, Pick<Volume, 'path'>> = {
  name: 'encrypted-root',
  version: 1,
  group: 'Encrypted root',

  key: ({ volume, nonce, uuid, label, memoryBytes }) => ({ volume: volume.key, nonce, uuid, label, memoryBytes }),
  commands: (input) => [luksCommand(input)],

  async run(input, out, { host, report }) {
    const { tools, cryptsetup, volume, rootKey } = input;
    report.step('encrypting the root');
    const image = join(out, IMAGE);
    await copyFile(volume.path, image, constants.COPYFILE_FICLONE);
    await truncate(image, volume.sizeBytes + LUKS_BYTES);
    const sandbox = {
      root: tools.root,
      mounts: [
        { source: out, target: '/media', writable: true },
        { source: cryptsetup.root, target: CRYPTSETUP_INSIDE },
      ],
    };
    const env = { LD_LIBRARY_PATH: join(CRYPTSETUP_INSIDE, cryptsetup.libraries) };
    const command = { ...luksCommand(input), file: join(CRYPTSETUP_INSIDE, PROGRAM), env };
    if ('file' in rootKey) await host.runIn(sandbox, command, { stdinFile: rootKey.file });
    else await host.runIn(sandbox, { ...command, stdin: rootKey.passphrase });
  },

  open: ({ path }) => ({ path: join(path, IMAGE) }),
};

const IMAGE = 'root.luks';
const PROGRAM = 'usr/sbin/cryptsetup';
const CRYPTSETUP_INSIDE = '/srv';

/** The cost of Argon2id is given: cryptsetup would measure the machine that makes the image. */
function luksCommand({ uuid, label, memoryBytes }: LuksInput): Command {
  return {
    file: 'cryptsetup',
    args: [
      ...['reencrypt', '--encrypt', '--type', 'luks2', '--batch-mode', '--sector-size', '4096'],
      ...['--uuid', uuid, '--label', label, '--reduce-device-size', LUKS_BYTES.toString()],
      ...['--pbkdf', 'argon2id', '--pbkdf-memory', Math.floor(memoryBytes / KiB).toString()],
      ...['--pbkdf-parallel', '4', '--pbkdf-force-iterations', '4'],
      ...['--key-file', '-', join('/media', IMAGE)],
    ],
  };
}
