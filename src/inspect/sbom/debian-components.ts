import type { Stanza } from '../../formats/deb822.js';
import { parseStanzas, relationNames } from '../../formats/deb822.js';
import { readLicences } from '../../formats/debian-licences.js';
import type { FileView } from '../../images/file-view.js';
import type { Component } from './component.js';

/** Digest of a package file, by name, version and architecture, where the build's description has it. */
export type DigestOf = (name: string, version: string, architecture: string) => string | undefined;

/** Installed packages and their source packages, as dpkg's status and the copyright files have them. */
export async function debianComponents(
  files: Pick<FileView, 'text'>,
  digestOf: DigestOf,
): Promise<readonly Component[]> {
  const stanzas = parseStanzas((await files.text('/var/lib/dpkg/status')) ?? '').filter((one) =>
    / installed$/.test(one.get('Status') ?? ''),
  );
  const ids = new Map(stanzas.map((one) => [one.get('Package') ?? '', idOf(one)]));
  for (const one of stanzas) {
    for (const name of relationNames(one.get('Provides')).flat()) if (!ids.has(name)) ids.set(name, idOf(one));
  }
  const packages = await Promise.all(stanzas.map((one) => packageOf(one, ids, files, digestOf)));
  const sources = new Map(stanzas.flatMap(builtUsing).map((one) => [one.id, one]));
  for (const one of stanzas) sources.set(sourceOf(one).id, sourceOf(one));
  return [...packages, ...sources.values()];
}

async function packageOf(
  stanza: Stanza,
  ids: ReadonlyMap<string, string>,
  files: Pick<FileView, 'text'>,
  digestOf: DigestOf,
): Promise<Component> {
  const [name, version, architecture] = [
    field(stanza, 'Package'),
    field(stanza, 'Version'),
    field(stanza, 'Architecture'),
  ];
  const copyright = await files.text(`/usr/share/doc/${name}/copyright`);
  const licences = copyright === undefined ? undefined : readLicences(copyright);
  const needs = [...relationNames(stanza.get('Pre-Depends')), ...relationNames(stanza.get('Depends'))].flatMap(
    (alternatives) => alternatives.flatMap((one) => ids.get(one) ?? []),
  );
  const sha256 = digestOf(name, version, architecture);
  const file = {
    name: `${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`,
    ...(sha256 === undefined ? {} : { sha256 }),
  };
  const homepage = stanza.get('Homepage');
  return {
    id: idOf(stanza),
    kind: 'package',
    name,
    version,
    architecture,
    purl: debPurl(name, version, architecture),
    summary: (stanza.get('Description') ?? '').split('\n')[0] ?? '',
    supplier: stanza.get('Maintainer') ?? '',
    ...(homepage === undefined ? {} : { homepage }),
    ...(licences === undefined ? {} : { licences }),
    file,
    source: sourceOf(stanza).id,
    builtUsing: builtUsing(stanza).map(({ id }) => id),
    dependsOn: [...new Set(needs)].filter((id) => id !== idOf(stanza)).toSorted(),
  };
}

/** The field Source has a version where it is not the package's; a rebuild alone (+b1) changes no source. */
function sourceOf(stanza: Stanza): Component {
  const [, name = '', given] = /^(\S+)(?: \((\S+)\))?$/.exec(stanza.get('Source') ?? field(stanza, 'Package')) ?? [];
  const version = given ?? field(stanza, 'Version').replace(/\+b\d+$/, '');
  return { ...sourceComponent(name, version), supplier: stanza.get('Maintainer') ?? '' };
}

function sourceComponent(name: string, version: string): Component {
  const purl = debPurl(name, version, 'source');
  return { id: `source:${name}:${version}`, kind: 'source', name, version, purl, dependsOn: [] };
}

/** Source packages that dpkg was told of when the package was compiled, each in one version. */
function builtUsing(stanza: Stanza): readonly Component[] {
  const fields = [stanza.get('Built-Using'), stanza.get('Static-Built-Using')].join(',');
  return [...fields.matchAll(/(?<name>[a-z0-9][a-z0-9+.-]+) \(= (?<version>[^)\s]+)\)/g)].map(({ groups }) =>
    sourceComponent(groups?.['name'] ?? '', groups?.['version'] ?? ''),
  );
}

/** As debsbom writes them. */
export function debPurl(name: string, version: string, architecture: string): string {
  const text = (part: string): string => encodeURIComponent(part).replaceAll('%3A', ':');
  return `pkg:deb/debian/${text(name)}@${text(version)}?arch=${architecture}`;
}

function idOf(stanza: Stanza): string {
  return `deb:${field(stanza, 'Package')}:${field(stanza, 'Version')}:${field(stanza, 'Architecture')}`;
}

function field(stanza: Stanza, name: string): string {
  return stanza.get(name) ?? '';
}
