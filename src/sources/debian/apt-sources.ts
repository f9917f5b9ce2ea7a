/** One archive of a one-line sources.list: its URI and what is taken from it. */
type AptSource = { readonly line: string; readonly uri: string };

const SOURCE_LINE = /^deb\s+(?:\[[^\]]*\]\s+)?(?<uri>\S+)\s+\S+(?:\s+\S.*)?$/;

/** The same sources with further components ("non-free-firmware") wherever they are missing. */
export function withComponents(sourcesList: string, components: readonly string[]): string {
  const lines = readSources(sourcesList).map(({ line }) => {
    const missing = components.filter((component) => !line.split(/\s+/).includes(component));
    return [line, ...missing].join(' ');
  });
  return lines.map((line) => `${line}\n`).join('');
}

/** The same sources and, wherever `suite` comes from, its backports: apt takes from those only what `suite` has not. */
export function withBackports(sourcesList: string, suite: string): string {
  const inSuite = new RegExp(`^(deb\\s+(?:\\[[^\\]]*\\]\\s+)?\\S+\\s+)${suite}(?=\\s|$)`);
  const lines = readSources(sourcesList).flatMap(({ line }) =>
    inSuite.test(line) ? [line, line.replace(inSuite, `$1${suite}-backports`)] : [line],
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** The sources as `withBackports` was given them. */
export function withoutBackports(sourcesList: string): string {
  return sourcesList
    .split('\n')
    .filter((line) => !/^deb\s+(?:\[[^\]]*\]\s+)?\S+\s+\S+-backports(\s|$)/.test(line))
    .join('\n');
}

/** The source packages of the same archives. */
export function sourceArchives(sourcesList: string): string {
  return readSources(sourcesList)
    .map(({ line }) => `${line.replace(/^deb(?=\s)/, 'deb-src')}\n`)
    .join('');
}

/** Where the packages' `Filename` may lie: every archive once, in the order of the list. */
export function archiveUris(sourcesList: string): readonly string[] {
  return [...new Set(readSources(sourcesList).map(({ uri }) => uri.replace(/\/+$/, '')))];
}

/**
 * The same archives with a mirror before them: a folder, or a copy of the archive as it was on some day. Where such a
 * copy is made of Debian's archives by name (…/debian/20261128T000000Z), its security archive is beside it.
 */
export function withMirrorFirst(sourcesList: string, mirror: string | undefined): string {
  if (mirror === undefined) return sourcesList;
  const security = mirror.replace(/\/debian(?=\/|$)/, '/debian-security');
  const mirrors = [...new Set([mirror, security])].map((uri) => `deb ${uri} locked main\n`);
  return mirrors.join('') + sourcesList;
}

/**
 * URLs to try for a file of the pool. Debian's security archive, and it alone, keeps its files below pool/updates/. Folders of this machine come first.
 */
export function poolUrls(sourcesList: string, filename: string): readonly string[] {
  const security = filename.startsWith('pool/updates/');
  const rank = (uri: string) => (uri.startsWith('file:') ? -1 : /security/.test(uri) === security ? 0 : 1);
  return archiveUris(sourcesList)
    .toSorted((a, b) => rank(a) - rank(b))
    .map((uri) => `${uri}/${filename.split('/').map(encodeURIComponent).join('/')}`);
}

function readSources(sourcesList: string): readonly AptSource[] {
  return sourcesList.split('\n').flatMap((text) => {
    const line = text.trim();
    const uri = SOURCE_LINE.exec(line)?.groups?.['uri'];
    return uri === undefined ? [] : [{ line, uri }];
  });
}
