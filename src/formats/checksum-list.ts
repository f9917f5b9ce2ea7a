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
