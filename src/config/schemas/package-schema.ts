import * as z from 'zod';
import { packageName } from '../package-name.js';
import { isPackageFile, packageFault } from '../package-word.js';

const text = z.string().min(1, { error: 'must not be empty' });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be a sha256: 64 hex digits in small letters' });

const packageFile = z.strictObject({
  file: text.describe('A .deb on this machine; its path from this file.'),
  sha256: sha256.optional().describe('What its bytes must hash to.'),
});

const CUSTOM = 'custom';

const packageWord = text.superRefine((word, context) => {
  const fault = isPackageFile(word) ? undefined : packageFault(word);
  if (fault === undefined) return;
  const { code, message, hint } = fault;
  context.addIssue({ code: CUSTOM, message, params: { code, hint } });
});

/** What `packages` of a board or a system holds. */
export const packageList = z.array(z.union([packageWord, packageFile]));

export const withoutPackages = z
  .array(packageName)
  .describe(
    'Packages of the layers that are left out, and that nothing may bring in: systemd-timesyncd beside chrony in packages.',
  );

export const capabilityMap = z
  .record(z.string().regex(/^\/.*[^/]$/, { error: 'must be the absolute path of a file on the device' }), text)
  .describe('File capabilities by path, as setcap takes them: /usr/local/bin/agent: cap_net_bind_service+ep.');

const repository = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_.-]*$/, { error: 'must be small letters, digits, . _ -' })
    .describe('Of its files on the device: /etc/apt/sources.list.d/<name>.sources.'),
  url: z
    .string()
    .regex(/^(https?:\/\/[^\s@]+|file:\/\/\/\S+)$/, {
      error: 'must be an http:, https: or file: URL without a password',
    })
    .describe('Where it is. A file: URL is a folder of this machine, which the device does not get to know.'),
  suite: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._~/-]*$|^\.\/$/, { error: 'must be the name of a suite, or a path that ends in /' })
    .describe('Suite, such as trixie; a path that ends in / for a repository without suites.'),
  components: z
    .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, { error: 'must be the name of a component' }))
    .default([])
    .describe('Such as main; none where suite is a path.'),
  key: text.describe('File with the public key that signs it, armored or not; its path from this file.'),
});

export const repositoryList = z
  .array(repository)
  .describe('Other apt repositories, for the build and for the device. Each with its key: nothing unsigned is taken.');

/** The keys of packages, as a board's `rootfs` and a system have them. */
export type PackageDefinition = {
  readonly packages?: z.output<typeof packageList> | undefined;
  readonly withoutPackages?: readonly string[] | undefined;
  readonly repositories?: z.output<typeof repositoryList> | undefined;
  readonly capabilities?: Readonly<Record<string, string>> | undefined;
};
