import type { Written } from './software.js';

/** A .deb on this machine that is installed into an image. */
export type PackageFile = {
  /** Absolute. */
  readonly path: string;
  /** What it must hash to, where somebody said so. */
  readonly sha256?: string;
  readonly at: Written;
};

/** An apt repository beside Debian's own. */
export type Repository = {
  /** Of its files on the device. */
  readonly name: string;
  /** http:, https: or file:. */
  readonly url: string;
  /** A path that ends in / for a repository without suites. */
  readonly suite: string;
  readonly components: readonly string[];
  /** Absolute path of the public key that signs it. */
  readonly key: string;
  readonly at: Written;
};

/** The same with the bytes known that its name stands for. */
export type PinnedPackageFile = PackageFile & { readonly sha256: string };
export type PinnedRepository = Repository & {
  readonly keySha256: string;
  /** Text with a header, or the bytes themselves: apt tells them by the file's ending. */
  readonly keyFormat: 'asc' | 'gpg';
};

/** Where the device has the key of a repository. */
export function keyringPath({ name, keyFormat }: Pick<PinnedRepository, 'name' | 'keyFormat'>): string {
  return `/etc/apt/keyrings/${name}.${keyFormat}`;
}
