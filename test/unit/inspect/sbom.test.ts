import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { requiredFields } from '../../../src/inspect/sbom/bsi.js';
import { buildComponents } from '../../../src/inspect/sbom/build-components.js';
import type { BillOfMaterials, Component } from '../../../src/inspect/sbom/component.js';
import { cyclonedxDocument } from '../../../src/inspect/sbom/cyclonedx.js';
import { debianComponents } from '../../../src/inspect/sbom/debian-components.js';
import { spdxDocument } from '../../../src/inspect/sbom/spdx.js';
import type { ImageInput } from '../../../src/images/image-description.js';
import { DIGEST, exampleDescription } from '../../helpers/example-description.js';

const fixture = (name: string): string =>
  gunzipSync(readFileSync(join(import.meta.dirname, '../../fixtures/sbom', `${name}.gz`))).toString('utf8');

const COPYRIGHT = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: ';

function packagesOf(status: string): Promise<readonly Component[]> {
  const text = (path: string): Promise<string | undefined> => {
    if (path === '/var/lib/dpkg/status') return Promise.resolve(status);
    if (path === '/usr/share/doc/bash/copyright')
      return Promise.resolve(`${COPYRIGHT}GPL-3+\n\nFiles: a\nLicense: odd one\n`);
    return Promise.resolve(undefined);
  };
  return debianComponents({ text }, () => 'a'.repeat(64));
}

const described = exampleDescription({ name: 'reswarm-os-rpi4.img', sizeBytes: 64 });
const MORE: readonly ImageInput[] = [
  { kind: 'source-package', name: 'linux-source-6.12', version: '6.12.1-1', sha256: DIGEST, sizeBytes: 3 },
  { kind: 'source-package', name: 'busybox', version: '1:1.37.0-6', sha256: DIGEST },
  { kind: 'kernel-patch', name: 'tryboot.patch', sha256: DIGEST },
  { kind: 'kernel-fragment', name: 'base.config', sha256: DIGEST },
];
const kernel = { version: '6.12.1', file: '/boot/kernel8.img', sizeBytes: 1, modules: [], modulesBytes: 0 };

async function bill(status = fixture('dpkg-status')): Promise<BillOfMaterials> {
  const components = [
    ...(await packagesOf(status)),
    ...buildComponents({ ...described, inputs: [...described.inputs, ...MORE] }, kernel),
  ];
  return {
    name: 'reswarm-os-rpi4',
    version: '1',
    architecture: 'arm64',
    timestamp: '2026-11-01T00:00:00Z',
    toolVersion: '0.1.0',
    creator: { name: 'Example GmbH', contact: 'security@example.org' },
    components: components.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

describe('the bill of materials of an image', () => {
  it("has the very package URLs that Debian's debsbom lists for the same root", async () => {
    const ours = (await packagesOf(fixture('dpkg-status'))).map(({ purl }) => purl).toSorted();
    expect(ours).toEqual(fixture('debsbom-purls.txt').trimEnd().split('\n').toSorted());
  });

  it('is a CycloneDX 1.6 document by the official schema', async () => {
    const ajv = new Ajv({ strict: false, validateFormats: true });
    addFormats.default(ajv);
    for (const format of ['iri-reference', 'idn-email']) ajv.addFormat(format, true);
    for (const name of ['jsf-0.82.SNAPSHOT.schema.json', 'spdx.SNAPSHOT.schema.json']) {
      const schema = { ...(JSON.parse(fixture(name)) as object), $id: undefined };
      ajv.addSchema(schema, `http://cyclonedx.org/schema/${name}`);
    }
    const validate = ajv.compile(JSON.parse(fixture('bom-1.6.SNAPSHOT.schema.json')) as object);
    const document = cyclonedxDocument(await bill());
    expect(validate(document), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
    expect(validate({ ...(document as object), specVersion: 7 })).toBe(false);
  });

  it('names every licence by an id of the SPDX list, or as a reference', async () => {
    const { enum: ids } = JSON.parse(fixture('spdx.SNAPSHOT.schema.json')) as { enum: string[] };
    const { components } = await bill();
    const used = components.flatMap(({ licences }) => licences?.spdx ?? []).flatMap((one) => one.split(/ WITH | OR /));
    expect(used.filter((id) => !ids.includes(id))).toEqual([]);
    expect(JSON.stringify(spdxDocument(await bill()))).toContain('GPL-3.0-or-later AND LicenseRef-odd-one');
  });

  it('is an SPDX document whose ids are unique and whose relations lead somewhere', async () => {
    const document = spdxDocument(await bill()) as unknown as {
      packages: { SPDXID: string }[];
      relationships: { spdxElementId: string; relatedSpdxElement: string }[];
    };
    const ids = document.packages.map(({ SPDXID }) => SPDXID);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^SPDXRef-[A-Za-z0-9.-]+$/.test(id))).toBe(true);
    const known = new Set(['SPDXRef-DOCUMENT', ...ids]);
    const ends = document.relationships.flatMap((one) => [one.spdxElementId, one.relatedSpdxElement]);
    expect(ends.filter((id) => !known.has(id))).toEqual([]);
  });

  it('is the same text for equal images', async () => {
    for (const format of [spdxDocument, cyclonedxDocument]) {
      expect(JSON.stringify(format(await bill()))).toBe(JSON.stringify(format(await bill())));
    }
  });

  it('loses exactly one package when one is gone', async () => {
    const status = fixture('dpkg-status');
    const without = status
      .split('\n\n')
      .filter((one) => !one.startsWith('Package: nano\n'))
      .join('\n\n');
    const [before, after] = [await bill(status), await bill(without)];
    const gone = before.components.filter(({ id }) => !after.components.some((one) => one.id === id));
    expect(gone.map(({ kind, name }) => `${kind} ${name}`).toSorted()).toEqual(['package nano', 'source nano']);
  });

  it('says which fields of the guideline are missing', async () => {
    const fields = requiredFields(await bill());
    expect(fields.find(({ field }) => field.startsWith('creator'))?.missing).toBeUndefined();
    expect(fields.find(({ field }) => field.includes('SHA-512'))).toMatchObject({ filled: 0 });
  });

  it('has the kernel with the patches and settings that it was made with', async () => {
    const { components } = await bill();
    const made = components.find(({ kind }) => kind === 'kernel');
    expect(made).toMatchObject({ name: 'linux', version: '6.12.1' });
    expect(made?.madeWith?.length).toBeGreaterThan(0);
  });
});
