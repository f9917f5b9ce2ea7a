import type { Json } from '../../model/json.js';
import type { BillOfMaterials, Component } from './component.js';
import { documentUuid } from './document-id.js';
import { licenceExpression } from './licence-expression.js';

/** The bill as a CycloneDX 1.6 document (JSON), with the fields that BSI TR-03183-2 names. Equal bills give equal documents. */
export function cyclonedxDocument(bill: BillOfMaterials): Json {
  const root = 'image';
  const inImage = bill.components.filter(({ kind }) => kind !== 'source');
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${documentUuid(bill)}`,
    version: 1,
    metadata: {
      timestamp: bill.timestamp,
      lifecycles: [{ phase: 'build' }],
      tools: { components: [{ type: 'application', name: 'reswarm-os', version: bill.toolVersion }] },
      ...(bill.creator === undefined ? {} : { manufacturer: organisation(bill.creator.name, bill.creator.contact) }),
      component: {
        type: 'operating-system',
        'bom-ref': root,
        name: bill.name,
        version: bill.version,
        ...(bill.creator === undefined ? {} : { manufacturer: organisation(bill.creator.name, bill.creator.contact) }),
        ...hashes(bill.sha256),
        ...properties({
          ...(bill.fileName === undefined ? {} : { 'bsi:component:filename': bill.fileName }),
          ...IMAGE_FORM,
        }),
      },
    },
    components: bill.components.map(componentOf),
    dependencies: [
      { ref: root, dependsOn: inImage.map(({ id }) => id) },
      ...bill.components.map(({ id, dependsOn }) => ({
        ref: id,
        ...(dependsOn.length === 0 ? {} : { dependsOn: [...dependsOn] }),
      })),
    ],
    compositions: [{ aggregate: 'complete', assemblies: [root] }],
  };
}

/** An image is one structured file that is started as a whole. */
const IMAGE_FORM = {
  'bsi:component:executable': 'executable',
  'bsi:component:archive': 'archive',
  'bsi:component:structured': 'structured',
};

const TYPES: Readonly<Record<Component['kind'], string>> = {
  package: 'library',
  source: 'application',
  kernel: 'operating-system',
  firmware: 'firmware',
  application: 'application',
  container: 'container',
  data: 'data',
};

function componentOf(one: Component): Json {
  const licence = one.licences === undefined ? undefined : licenceExpression(one.licences);
  const patches = (one.madeWith ?? []).filter(({ kind }) => kind === 'patch');
  const settings = (one.madeWith ?? []).filter(({ kind }) => kind === 'configuration');
  return {
    type: TYPES[one.kind],
    'bom-ref': one.id,
    ...(one.supplier === undefined || one.supplier === '' ? {} : supplier(one.supplier)),
    name: one.name,
    ...(one.version === undefined ? {} : { version: one.version }),
    ...(one.summary === undefined || one.summary === '' ? {} : { description: one.summary }),
    ...hashes(one.file?.sha256),
    ...(licence === undefined ? {} : { licenses: [{ expression: licence, acknowledgement: 'declared' }] }),
    ...(one.purl === undefined ? {} : { purl: one.purl }),
    ...(isIri(one.homepage) ? { externalReferences: [{ type: 'website', url: one.homepage }] } : {}),
    ...(patches.length === 0
      ? {}
      : {
          pedigree: {
            patches: patches.map(({ name, sha256 }) => ({
              type: 'unofficial',
              diff: { url: `${name}#sha256=${sha256}` },
            })),
          },
        }),
    ...properties({
      ...(one.file === undefined ? {} : { 'bsi:component:filename': one.file.name, ...formOf(one) }),
      ...(one.source === undefined ? {} : { 'reswarm-os:source': one.source }),
      ...(one.builtUsing === undefined || one.builtUsing.length === 0
        ? {}
        : { 'reswarm-os:built-using': one.builtUsing.join(' ') }),
      ...Object.fromEntries(
        settings.map(({ name, sha256 }) => [`reswarm-os:configuration:${name}`, `sha256:${sha256}`]),
      ),
    }),
  };
}

/** What the file is, in the words of the guideline. */
function formOf({ kind, file }: Component): Readonly<Record<string, string>> {
  const isArchive = /\.(deb|tar|tgz|dsc|tar\.\w+)$/.test(file?.name ?? '');
  const isExecutable = kind !== 'firmware' && kind !== 'data' && kind !== 'source';
  return {
    'bsi:component:executable': isExecutable ? 'executable' : 'non-executable',
    'bsi:component:archive': isArchive ? 'archive' : 'no archive',
    'bsi:component:structured': isArchive ? 'structured' : 'unstructured',
  };
}

function isIri(text: string | undefined): text is string {
  return text !== undefined && URL.canParse(text);
}

function organisation(name: string, contact: string | undefined): Json {
  if (contact === undefined) return { name };
  return contact.includes('@') ? { name, contact: [{ email: contact }] } : { name, url: [contact] };
}

function supplier(text: string): { readonly supplier: Json } {
  const { name = text, mail } = /^(?<name>.*?)\s*<(?<mail>[^>]+)>$/.exec(text)?.groups ?? {};
  return { supplier: { name, ...(mail === undefined ? {} : { contact: [{ email: mail }] }) } };
}

function hashes(digest: string | undefined) {
  return digest === undefined ? {} : { hashes: [{ alg: 'SHA-256', content: digest }] };
}

function properties(named: Readonly<Record<string, string>>) {
  const list = Object.entries(named).map(([name, value]) => ({ name, value }));
  return list.length === 0 ? {} : { properties: list };
}
