/** How a file's digest was made; each is as long as no other. */
export type DigestType = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** One line of a list of digests. */
export type ListedDigest = {
  readonly type: DigestType;
  /** Lower case. */
  readonly hex: string;
  /** As it is listed, perhaps with folders; undefined where the digest stands alone. */
  readonly name?: string;
};

const TYPES_BY_DIGITS: ReadonlyMap<number, DigestType> = new Map([
  [32, 'md5'],
  [40, 'sha1'],
  [64, 'sha256'],
  [96, 'sha384'],
  [128, 'sha512'],
]);

/** As sha256sum and its like write it, and the digest alone. */
const GNU_LINE = /^\\?([0-9a-f]+)(?: [ *](.+))?$/i;
/** `SHA256 (name) = digest`, as `sha256sum --tag`, the BSDs and openssl write it. */
const BSD_LINE = /^\\?[A-Z0-9-]+ ?\((.+)\) ?= ?([0-9a-f]+)$/i;

/** The digests of a list in any of the forms that people publish; other lines (comments, a signature) are left out. */
export function parseChecksums(text: string): readonly ListedDigest[] {
  return text.split('\n').flatMap((line): ListedDigest[] => {
    const [, bsdName, bsdHex] = BSD_LINE.exec(line.trim()) ?? [];
    const [, hex = bsdHex ?? '', name = bsdName] = GNU_LINE.exec(line.trim()) ?? [];
    const type = TYPES_BY_DIGITS.get(hex.length);
    if (type === undefined) return [];
    return [{ type, hex: hex.toLowerCase(), ...(name === undefined ? {} : { name }) }];
  });
}

/** A file's name and its sha256 (hex). */
export type Checksum = { readonly name: string; readonly sha256: string };

/** `<digest>  name`, or with `*` before a name that is read as binary; sha256sum escapes strange names with a backslash. */
const LINE = /^\\?[0-9a-f]{64} [ *](.+)$/;

/**
 * The text of a SHA256SUMS with these files in it. What it says of other files stays, since several images may lie in
 * one folder; lines of `gone` files go.
 */
export function updateChecksums(text: string, checksums: readonly Checksum[], gone: readonly string[] = []): string {
  const lines = new Map<string, string>();
  for (const line of text.split('\n').filter((one) => one !== '')) lines.set(LINE.exec(line)?.[1] ?? line, line);
  for (const name of gone) lines.delete(name);
  for (const { name, sha256 } of checksums) lines.set(name, `${sha256}  ${name}`);
  return [...lines.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, line]) => `${line}\n`)
    .join('');
}
