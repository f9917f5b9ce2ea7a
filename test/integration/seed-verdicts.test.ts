import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { checkSeedFiles } from '../../src/provision/check-seed-files.js';
import { obtainCloudInitSchemas, type CloudInitSchemas } from '../../src/seeds/schemas/cloud-init-schemas.js';

const FOLDER = 'test/fixtures/seeds';

/** Of each file or folder below `FOLDER` what `seed check` says: "severity code line", in the order of the text. */
type Verdicts = Readonly<Record<string, readonly string[]>>;
const verdicts = JSON.parse(await readFile(join(FOLDER, 'verdicts.json'), 'utf8')) as Verdicts;

const host = new RealHost({
  facts: readHostFacts(process.env),
  signal: new AbortController().signal,
  environment: process.env,
  offline: false,
});

let schemas: CloudInitSchemas;
beforeAll(async () => {
  schemas = await obtainCloudInitSchemas({ offline: false }, host, { emit: () => undefined });
});

/**
 * What cloud-init 25.1.4 of Debian 13 and the image do with each input was found out by their sources and, where a
 * verdict hangs on YAML, by PyYAML. A name that ends in "-ok" must be clean.
 */
describe('seed check', () => {
  it.each(Object.entries(verdicts))('judges %s as the device does', async (path, expected) => {
    const kind = path.startsWith('user-data/') ? 'userData' : path.startsWith('meta-data/') ? 'metaData' : undefined;
    const checked = await checkSeedFiles(
      {
        workingFolder: FOLDER,
        paths: kind === undefined ? [path] : [],
        named: kind === undefined ? {} : { [kind]: path },
        strict: false,
        schemas,
        defaultsFolder: 'cloud-init',
      },
      host,
    );
    expect(checked.findings.map(({ severity, code, line }) => [severity, code, line ?? ''].join(' ').trim())).toEqual(
      expected,
    );
  });

  it('finds nothing in what is right', () => {
    const right = Object.entries(verdicts).filter(([path]) => path.endsWith('-ok'));
    expect(right.length).toBeGreaterThan(20);
    expect(right.filter(([, found]) => found.length > 0)).toEqual([]);
  });
});
