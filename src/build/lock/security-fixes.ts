import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { changelogSince } from '../../formats/debian-changelog.js';
import type { Host } from '../../host/host.js';
import { sha256 } from '../../model/sha256.js';
import type { Reporter } from '../../pipeline/reporter.js';
import { stageReporter } from '../../pipeline/reporter.js';
import { Store } from '../../pipeline/store.js';
import { fetchDebs } from '../../sources/debian/debs.js';
import type { DebFile, LockedPackage } from '../../sources/debian/packages.js';
import type { ImageLock } from './lock-file.js';

/** What the changelog of a newer package says since the locked version. */
export type ChangelogNews = {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** Named by the entries in between. */
  readonly cves: readonly string[];
  /** Why nothing could be read. */
  readonly unknown?: string;
};

const READING = 'changelogs';

/** Reads the changelogs of packages of the image whose version an update changes. Throws what `fetchDebs` throws. */
export async function securityFixes(
  before: ImageLock,
  after: ImageLock,
  host: Host,
  reporter: Reporter,
): Promise<readonly ChangelogNews[]> {
  const old = new Map(
    before.packages.flatMap(({ install, fetched }) => [...install, ...fetched]).map((one) => [one.name, one.version]),
  );
  const store = new Store(host.facts.cacheDir, host);
  const means = { host, report: stageReporter(reporter, READING), shared: store.shared };
  const news: ChangelogNews[] = [];
  for (const { install, fetched, archives } of after.packages) {
    const sources = archives.map((line) => `${line}\n`).join('');
    const changed = [...install, ...fetched].filter(({ name, version, local }) => {
      return local === undefined && old.has(name) && old.get(name) !== version;
    });
    for (const { name, version, architecture, filename, sizeBytes, sha256: digest } of changed) {
      const wanted: LockedPackage = { name, version, architecture, filename, sizeBytes, sha256: digest };
      const [deb] = await fetchDebs([wanted], sources, means);
      if (deb === undefined) continue;
      const text = await store.withScratch((folder) => changelogOf(deb, folder, host));
      const from = old.get(name) ?? '';
      const told = { name, before: from, after: version };
      if (text === undefined) news.push({ ...told, cves: [], unknown: 'the package has no changelog of its own' });
      else {
        const entries = changelogSince(text, from.replace(/\+b\d+$/, ''));
        news.push({ ...told, cves: [...new Set(entries.flatMap(({ cves }) => cves))].toSorted() });
      }
    }
  }
  return news;
}

async function changelogOf({ name, path }: DebFile, folder: string, host: Host): Promise<string | undefined> {
  const place = join(folder, sha256(path).slice(0, 16));
  await host.run({ file: 'dpkg-deb', args: ['--extract', path, place] });
  const doc = join(place, 'usr/share/doc', name);
  for (const file of ['changelog.Debian.gz', 'changelog.gz']) {
    const bytes = await readFile(join(doc, file)).catch(() => undefined);
    if (bytes !== undefined) return gunzipSync(bytes).toString('utf8');
  }
  return undefined;
}
