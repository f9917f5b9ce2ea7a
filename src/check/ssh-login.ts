import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sshFingerprint } from '../seeds/seed-expectations.js';
import { summariseSeed } from '../seeds/seed-summary.js';
import type { SeedKey } from '../seeds/seed-facts.js';
import { UserError } from '../errors.js';

/** Who may log in by ssh, and the private key for it; without one ssh asks its agent. */
export type SshLogin = { readonly user: string; readonly identity?: string };

type LoginOptions = {
  /** What to call the image. */
  readonly image: string;
  readonly userData: string;
  /** Who cloud-init's `default` user is. */
  readonly defaultUser: string;
  /** A private key to use, whatever the seed says. */
  readonly identity?: string;
  /** Where a person's keys lie: ~/.ssh */
  readonly keyFolder: string;
  /** An agent may have the key. */
  readonly hasAgent: boolean;
};

/**
 * The first user whom the seed lets in by a key that is here; undefined keys are the agent's matter. Throws UserError
 * `seed-no-ssh-key` or `ssh-identity-missing`.
 */
export async function findLogin(options: LoginOptions): Promise<SshLogin> {
  const { users } = summariseSeed({ userData: options.userData, metaData: '', networkConfig: '' });
  const named = users
    .filter(({ sshKeys }) => sshKeys.length > 0)
    .map((user) => ({ ...user, name: user.name === 'default' ? options.defaultUser : user.name }));
  const [first] = named;
  if (first === undefined) {
    throw new UserError('seed-no-ssh-key', `The seed of ${options.image} lets nobody in with an ssh key`, {
      hints: ['Build it with --ssh-key ~/.ssh/id_ed25519.pub.'],
    });
  }
  if (options.identity !== undefined) return { user: first.name, identity: options.identity };
  const here = await privateKeys(options.keyFolder);
  for (const { name, sshKeys } of named) {
    const identity = sshKeys.map(({ fingerprint }) => here.get(fingerprint)).find((path) => path !== undefined);
    if (identity !== undefined) return { user: name, identity };
  }
  if (options.hasAgent) return { user: first.name };
  throw new UserError('ssh-identity-missing', `None of the keys in ${options.keyFolder} opens ${options.image}`, {
    details: named.flatMap(({ name, sshKeys }) => sshKeys.map((key) => `${name}: ${describeKey(key)}`)),
    hints: ['Name the private key with --identity FILE.'],
  });
}

function describeKey({ type, fingerprint, comment }: SeedKey): string {
  return `${type} ${fingerprint} ${comment}`.trimEnd();
}

/** Fingerprint of each public key, and the private key beside it. */
async function privateKeys(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(folder).catch((): string[] => []);
  const found = new Map<string, string>();
  for (const name of names.filter((file) => file.endsWith('.pub')).sort()) {
    const privateName = name.slice(0, -'.pub'.length);
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    const fingerprint = sshFingerprint(text);
    if (fingerprint !== undefined && names.includes(privateName)) found.set(fingerprint, join(folder, privateName));
  }
  return found;
}
