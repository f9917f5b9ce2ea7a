/** One entry of debian/changelog. */
export type ChangelogEntry = {
  readonly version: string;
  readonly urgency: string;
  /** CVE numbers that its text names. */
  readonly cves: readonly string[];
};

/** Entries of a changelog, the newest first, down to the one of `since` (left out) or to its end. */
export function changelogSince(text: string, since: string | undefined): readonly ChangelogEntry[] {
  const entries: ChangelogEntry[] = [];
  for (const part of text.split(/^(?=\S+ \(\S+\) )/m)) {
    const head = /^\S+ \((?<version>\S+)\) [^;\n]*;.*?urgency=(?<urgency>\w+)/i.exec(part)?.groups;
    if (head === undefined) continue;
    const version = head['version'] ?? '';
    if (version === since) break;
    const cves = [...new Set(part.match(/CVE-\d{4}-\d{4,}/g) ?? [])].toSorted();
    entries.push({ version, urgency: (head['urgency'] ?? '').toLowerCase(), cves });
  }
  return entries;
}
