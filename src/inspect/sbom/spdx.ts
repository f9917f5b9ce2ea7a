import type { Json } from '../../model/json.js';
import { sha256 } from '../../model/sha256.js';
import type { BillOfMaterials, Component } from './component.js';
import { documentUuid } from './document-id.js';
import { licenceExpression, licenceRef } from './licence-expression.js';

const NOTHING_SAID = 'NOASSERTION';

/** The bill as an SPDX 2.3 document (JSON). Equal bills give equal documents. */
export function spdxDocument(bill: BillOfMaterials): Json {
  const root = 'SPDXRef-image';
  const relationships = [
    { spdxElementId: 'SPDXRef-DOCUMENT', relatedSpdxElement: root, relationshipType: 'DESCRIBES' },
    ...bill.components.flatMap((one) => [
      ...(one.kind === 'source'
        ? []
        : [{ spdxElementId: root, relatedSpdxElement: refOf(one.id), relationshipType: 'CONTAINS' }]),
      ...[...(one.source === undefined ? [] : [one.source]), ...(one.builtUsing ?? [])].map((id) => {
        return { spdxElementId: refOf(one.id), relatedSpdxElement: refOf(id), relationshipType: 'GENERATED_FROM' };
      }),
      ...one.dependsOn.map((id) => {
        return { spdxElementId: refOf(one.id), relatedSpdxElement: refOf(id), relationshipType: 'DEPENDS_ON' };
      }),
    ]),
  ];
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${bill.name}-${bill.version}`,
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(bill.name)}-${documentUuid(bill)}`,
    creationInfo: {
      created: bill.timestamp,
      creators: [`Tool: reswarm-os-${bill.toolVersion}`, ...creatorOf(bill)],
    },
    packages: [
      {
        SPDXID: root,
        name: bill.name,
        versionInfo: bill.version,
        downloadLocation: NOTHING_SAID,
        filesAnalyzed: false,
        primaryPackagePurpose: 'OPERATING-SYSTEM',
        supplier: organisation(bill.creator?.name),
        licenseConcluded: NOTHING_SAID,
        licenseDeclared: NOTHING_SAID,
        copyrightText: NOTHING_SAID,
        ...(bill.fileName === undefined ? {} : { packageFileName: bill.fileName }),
        ...checksums(bill.sha256),
      },
      ...bill.components.map(packageOf),
    ],
    relationships,
    ...extracted(bill.components),
  };
}

function packageOf(one: Component): Json {
  const declared = one.licences === undefined ? undefined : licenceExpression(one.licences);
  return {
    SPDXID: refOf(one.id),
    name: one.name,
    ...(one.version === undefined ? {} : { versionInfo: one.version }),
    downloadLocation: NOTHING_SAID,
    filesAnalyzed: false,
    primaryPackagePurpose: PURPOSES[one.kind],
    supplier: supplierOf(one.supplier),
    ...(one.homepage === undefined ? {} : { homepage: one.homepage }),
    ...(one.summary === undefined || one.summary === '' ? {} : { summary: one.summary }),
    licenseConcluded: NOTHING_SAID,
    licenseDeclared: declared ?? NOTHING_SAID,
    copyrightText: NOTHING_SAID,
    ...(one.file === undefined ? {} : { packageFileName: one.file.name }),
    ...checksums(one.file?.sha256),
    ...(one.purl === undefined
      ? {}
      : {
          externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: one.purl }],
        }),
    ...(one.madeWith === undefined || one.madeWith.length === 0
      ? {}
      : {
          comment: one.madeWith.map(({ kind, name, sha256: digest }) => `${kind} ${name} sha256:${digest}`).join('\n'),
        }),
  };
}

const PURPOSES: Readonly<Record<Component['kind'], string>> = {
  package: 'LIBRARY',
  source: 'SOURCE',
  kernel: 'OPERATING-SYSTEM',
  firmware: 'FIRMWARE',
  application: 'APPLICATION',
  container: 'CONTAINER',
  data: 'FILE',
};

/** An SPDX id has letters, digits, dots and hyphens only; a digest keeps two names apart that lose others. */
function refOf(id: string): string {
  const plain = id.replace(/[^A-Za-z0-9.-]/g, '-');
  return `SPDXRef-${plain}-${sha256(id).slice(0, 8)}`;
}

function creatorOf({ creator }: BillOfMaterials): readonly string[] {
  if (creator === undefined) return [];
  const isMail = creator.contact?.includes('@') === true;
  return [`Organization: ${creator.name}${isMail ? ` (${creator.contact ?? ''})` : ''}`];
}

function organisation(name: string | undefined): string {
  return name === undefined ? NOTHING_SAID : `Organization: ${name}`;
}

/** "Name <mail>" as SPDX has it: "Person: Name (mail)". */
function supplierOf(text: string | undefined): string {
  if (text === undefined || text === '') return NOTHING_SAID;
  const { name = text, mail } = /^(?<name>.*?)\s*<(?<mail>[^>]+)>$/.exec(text)?.groups ?? {};
  const plain = name.replace(/^"|"$/g, '').replace(/[()]/g, '');
  return `Organization: ${plain}${mail === undefined ? '' : ` (${mail})`}`;
}

function checksums(digest: string | undefined) {
  return digest === undefined ? {} : { checksums: [{ algorithm: 'SHA256', checksumValue: digest }] };
}

/** Licences without an SPDX id need their text; a copyright file in the image has it. */
function extracted(components: readonly Component[]) {
  const names = [...new Set(components.flatMap(({ licences }) => licences?.others ?? []))].toSorted();
  if (names.length === 0) return {};
  const byRef = new Map(names.map((name) => [licenceRef(name), name]));
  return {
    hasExtractedLicensingInfos: [...byRef].map(([licenseId, name]) => ({
      licenseId,
      name,
      extractedText: `Called "${name}" in the copyright file of the package, which has its text (/usr/share/doc in the image).`,
    })),
  };
}
