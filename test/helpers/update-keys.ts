import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cli, errorCode } from './cli.js';
import { makeSlotImage } from './slot-image.js';

/** Keys whose signer has no passphrase. Returns the folder; the root's passphrase is in `root.txt` beside it. */
export async function makeUpdateKeys(folder: string, name: string): Promise<string> {
  const passphrase = join(folder, 'root.txt');
  await writeFile(passphrase, 'the root of all updates\n');
  const made = await cli([
    'keys',
    'new',
    join(folder, name),
    '--root-passphrase-file',
    passphrase,
    '--plain-signer',
    '--json',
  ]);
  if (made.exitCode !== 0) throw new Error(`keys new: ${errorCode(made) ?? ''} ${made.stderr}`);
  return join(folder, name);
}

/** An image that devices with these keys take updates from. */
export async function makeTrustingImage(toolsTree: string, path: string, keys: string, text = 'one\n'): Promise<void> {
  const keyring = await readFile(join(keys, 'root.pem'), 'utf8');
  await makeSlotImage(toolsTree, path, { root: { 'etc/rauc/keyring.pem': keyring, 'etc/issue': text } });
}

/** `bundle`; gives what it says with --json. */
export async function makeTestBundle(image: string, keys: string, output: string, version: string) {
  const made = await cli(['bundle', image, '--key', keys, '--output', output, '--version', version, '--json']);
  const result = made.events.at(-1) as { sha256?: string; payloadSha256?: string } | undefined;
  if (made.exitCode !== 0) throw new Error(`bundle: ${errorCode(made) ?? ''} ${made.stdout}`);
  return { sha256: result?.sha256 ?? '', payloadSha256: result?.payloadSha256 ?? '' };
}
