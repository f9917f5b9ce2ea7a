import { parseStanzas } from './deb822.js';

/** What a copyright file says: licences as SPDX ids where they have one, and the names of the others. */
export type LicencesFound = {
  readonly spdx: readonly string[];
  /** Names that the SPDX list does not have, as the file has them. */
  readonly others: readonly string[];
  /** `fields`: of a machine-readable file (DEP-5). `references`: the text names files of /usr/share/common-licenses. */
  readonly by: 'fields' | 'references';
};

/** Short names of DEP-5 and how people write them → SPDX. Those of the GNU family are matched by `gnuLicence`. */
const SPDX_NAMES: Readonly<Record<string, string>> = {
  expat: 'MIT',
  mit: 'MIT',
  'mit/x11': 'MIT',
  'mit/expat': 'MIT',
  x11: 'X11',
  isc: 'ISC',
  zlib: 'Zlib',
  'zlib/libpng': 'Zlib',
  libpng: 'Libpng',
  'apache-2.0': 'Apache-2.0',
  'apache-2': 'Apache-2.0',
  'apache2.0': 'Apache-2.0',
  artistic: 'Artistic-1.0-Perl',
  'artistic-2.0': 'Artistic-2.0',
  'artistic-2': 'Artistic-2.0',
  'bsd-2-clause': 'BSD-2-Clause',
  'bsd-2': 'BSD-2-Clause',
  'bsd-2-clauses': 'BSD-2-Clause',
  'bsd-3-clause': 'BSD-3-Clause',
  'bsd-3': 'BSD-3-Clause',
  'bsd-3-clauses': 'BSD-3-Clause',
  bsd: 'BSD-3-Clause',
  'bsd-4-clause': 'BSD-4-Clause',
  'bsd-4': 'BSD-4-Clause',
  '0bsd': '0BSD',
  'bsd-0-clause': '0BSD',
  'bsl-1.0': 'BSL-1.0',
  'boost-1.0': 'BSL-1.0',
  'boost software license 1.0': 'BSL-1.0',
  'cc0-1.0': 'CC0-1.0',
  cc0: 'CC0-1.0',
  'cc-by-3.0': 'CC-BY-3.0',
  'cc-by-4.0': 'CC-BY-4.0',
  'cc-by-sa-3.0': 'CC-BY-SA-3.0',
  'cc-by-sa-4.0': 'CC-BY-SA-4.0',
  'epl-1.0': 'EPL-1.0',
  'epl-2.0': 'EPL-2.0',
  'mpl-1.1': 'MPL-1.1',
  'mpl-2.0': 'MPL-2.0',
  'ofl-1.1': 'OFL-1.1',
  openssl: 'OpenSSL',
  'python-2.0': 'Python-2.0',
  psf: 'PSF-2.0',
  'psf-2': 'PSF-2.0',
  'psf-2.0': 'PSF-2.0',
  ruby: 'Ruby',
  'ruby-license': 'Ruby',
  sleepycat: 'Sleepycat',
  'unicode-dfs-2016': 'Unicode-DFS-2016',
  'unicode-3.0': 'Unicode-3.0',
  unlicense: 'Unlicense',
  'w3c-software': 'W3C',
  w3c: 'W3C',
  wtfpl: 'WTFPL',
  'wtfpl-2': 'WTFPL',
  curl: 'curl',
  ftl: 'FTL',
  freetype: 'FTL',
  beerware: 'Beerware',
  'beer-ware': 'Beerware',
  hpnd: 'HPND',
  'hpnd-sell-variant': 'HPND-sell-variant',
  ntp: 'NTP',
  smlnj: 'SMLNJ',
  tcl: 'TCL',
  vim: 'Vim',
  bzip2: 'bzip2-1.0.6',
  'bsd-variant': 'BSD-3-Clause',
  permissive: 'FSFULLR',
  fsfap: 'FSFAP',
  fsful: 'FSFUL',
  fsfullr: 'FSFULLR',
  fsfullrwd: 'FSFULLRWD',
  'all-permissive': 'FSFAP',
  'gfdl-no-invariants': 'GFDL-1.3-no-invariants-or-later',
  'mit-0': 'MIT-0',
  'mit-cmu': 'MIT-CMU',
  'nist-pd': 'NIST-PD',
  'ibm-as-is': 'LicenseRef-ibm-as-is',
  'blueoak-1.0.0': 'BlueOak-1.0.0',
  'afl-2.1': 'AFL-2.1',
  'bsd-1-clause': 'BSD-1-Clause',
  'rsa-md': 'RSA-MD',
  'tcp-wrappers': 'TCP-wrappers',
  'info-zip': 'Info-ZIP',
  perl: 'Artistic-1.0-Perl OR GPL-1.0-or-later',
};

const GNU =
  /^(?<kind>[al]?gpl|gfdl)[- ]?v?(?<version>\d(?:\.\d)?)?(?<later>\+|-or-later| or later)?(?:-only)?(?<rest>.*)$/i;

const GNU_VERSIONS: Readonly<Record<string, readonly string[]>> = {
  GPL: ['1.0', '2.0', '3.0'],
  LGPL: ['2.0', '2.1', '3.0'],
  AGPL: ['3.0'],
  GFDL: ['1.1', '1.2', '1.3'],
};

/** SPDX's names of exceptions to the GNU licences, by words of Debian's. */
const EXCEPTIONS: readonly (readonly [RegExp, string])[] = [
  [/autoconf.*3|autoconf-exception-3/i, 'Autoconf-exception-3.0'],
  [/autoconf/i, 'Autoconf-exception-2.0'],
  [/libtool/i, 'Libtool-exception'],
  [/bison/i, 'Bison-exception-2.2'],
  [/font/i, 'Font-exception-2.0'],
  [/classpath/i, 'Classpath-exception-2.0'],
  [/gcc|runtime|rle/i, 'GCC-exception-3.1'],
  [/linux-?syscall/i, 'Linux-syscall-note'],
  [/openssl/i, 'openvpn-openssl-exception'],
];

/** One name of a License field as an SPDX expression; undefined where SPDX has none. */
export function spdxLicence(name: string): string | undefined {
  const text = name.trim().replace(/[.,]$/, '');
  const known = SPDX_NAMES[text.toLowerCase()];
  if (known !== undefined) return known.startsWith('LicenseRef-') ? undefined : known;
  return gnuLicence(text);
}

function gnuLicence(name: string): string | undefined {
  const found = GNU.exec(name)?.groups;
  if (found === undefined) return undefined;
  const kind = (found['kind'] ?? '').toUpperCase();
  const given = found['version'];
  const version = given === undefined ? GNU_VERSIONS[kind]?.[0] : given.includes('.') ? given : `${given}.0`;
  if (version === undefined || GNU_VERSIONS[kind]?.includes(version) !== true) return undefined;
  // A name without a version means any of them.
  const id = `${kind}-${version}-${found['later'] !== undefined || given === undefined ? 'or-later' : 'only'}`;
  const rest = (found['rest'] ?? '').trim();
  if (rest === '' || /^-?(no|without)-?invariant/i.test(rest)) return id;
  const exception = EXCEPTIONS.find(([pattern]) => pattern.test(rest))?.[1];
  return /exception|with/i.test(rest) && exception !== undefined ? `${id} WITH ${exception}` : undefined;
}

/** Licences of a copyright file: of all files that it speaks of, without those of Debian's packaging set apart. */
export function readLicences(text: string): LicencesFound | undefined {
  const stanzas = parseStanzas(text);
  const isMachineReadable = /copyright-format|dep-?5/i.test(stanzas[0]?.get('Format') ?? '');
  const names = stanzas
    .flatMap((stanza) => stanza.get('License')?.split('\n')[0]?.trim() ?? [])
    .filter((name) => name !== '');
  if (isMachineReadable && names.length > 0) return { ...sorted(names.flatMap(split)), by: 'fields' };
  const references = commonLicences(text);
  return references.length === 0 ? undefined : { spdx: references, others: [], by: 'references' };
}

/** "GPL-2+ and BSD-3-clause, or Expat": every licence by itself, as the parts of a package have all of them. */
function split(expression: string): readonly string[] {
  return expression
    .split(/\s*(?:,|;|\||\bor\b|\band\b(?!\/)|\bAND\b|\bOR\b)\s*/)
    .map((name) => name.trim())
    .filter((name) => name !== '' && !/^later$/i.test(name));
}

function sorted(names: readonly string[]): { readonly spdx: readonly string[]; readonly others: readonly string[] } {
  const spdx = new Set<string>();
  const others = new Set<string>();
  for (const name of names) {
    if (/^public[- ]domain/i.test(name)) others.add('public-domain');
    else {
      const id = spdxLicence(name);
      if (id === undefined) others.add(name);
      else spdx.add(id);
    }
  }
  return { spdx: [...spdx].toSorted(), others: [...others].toSorted() };
}

/** References to the texts that every Debian system has; "any later version" decides between only and or-later. */
function commonLicences(text: string): readonly string[] {
  const flat = text.replace(/\s+/g, ' ');
  const isLater = /any later version|or later/i.test(flat);
  const found = [...flat.matchAll(/\/usr\/share\/common-licenses\/(?<name>[A-Za-z]+(?:-\d+(?:\.\d+)*)?)/g)];
  const ids = found.flatMap(({ groups }) => {
    const name = groups?.['name'] ?? '';
    return spdxLicence(/^(A|L)?GPL-\d/.test(name) && isLater ? `${name}+` : name) ?? [];
  });
  return [...new Set(ids)].toSorted();
}
