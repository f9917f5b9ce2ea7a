import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkCves } from '../../../src/inspect/cve/check-cves.js';
import type { VexStatement } from '../../../src/inspect/cve/openvex.js';
import { readVex, vexDocument } from '../../../src/inspect/cve/openvex.js';
import { sarifDocument } from '../../../src/inspect/cve/sarif.js';
import { readTracker } from '../../../src/inspect/cve/tracker.js';
import { createFakeHost as fakeHost } from '../../helpers/fake-host.js';

const release = (more: object) => ({
  trixie: { repositories: { trixie: '1.0-1' }, urgency: 'not yet assigned', ...more },
});
/** In the shape of the tracker's own file. */
const TRACKER = {
  zlib: {
    'CVE-2026-0001': { description: 'open', scope: 'remote', releases: release({ status: 'open' }) },
    'CVE-2026-0002': { description: 'fixed', releases: release({ status: 'resolved', fixed_version: '1.0-1' }) },
    'CVE-2026-0003': {
      description: 'newer',
      releases: release({ status: 'resolved', fixed_version: '1.0-1+deb13u1' }),
    },
    'CVE-2026-0004': {
      description: 'ignored',
      releases: release({ status: 'open', nodsa: 'Minor issue', nodsa_reason: 'ignored' }),
    },
    'CVE-2026-0005': { description: 'never', releases: release({ status: 'resolved', fixed_version: '0' }) },
    'CVE-2026-0006': { releases: release({ status: 'open', urgency: 'unimportant' }) },
    'TEMP-0000001-ABCDEF': { releases: { sid: { status: 'open' } } },
  },
  other: { 'CVE-2026-0007': { releases: release({ status: 'open' }) } },
};

let folder: string;
let sbom: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reswarm-cve-'));
  sbom = join(folder, 'sbom.json');
  await writeFile(
    sbom,
    JSON.stringify({ packages: ['pkg:deb/debian/zlib@1.0-1?arch=source', 'pkg:deb/debian/x@1?arch=arm64'] }),
  );
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function tracker() {
  const path = join(folder, 'tracker.json');
  await writeFile(path, JSON.stringify(TRACKER));
  return readTracker(path);
}

async function check(vex: readonly VexStatement[] = [], codename = 'trixie') {
  return checkCves(sbom, await tracker(), { vex, codename }, fakeHost());
}

describe('known vulnerabilities', () => {
  it('reports what is open and what an update fixes, and nothing else', async () => {
    const { reported, passedOver, sources } = await check();
    expect(sources).toBe(1);
    expect(reported.map(({ id, state }) => `${id} ${state}`)).toEqual(['CVE-2026-0001 open', 'CVE-2026-0003 fixable']);
    expect(passedOver.map(({ id }) => id)).toEqual(['CVE-2026-0004', 'CVE-2026-0006']);
  });

  it('is silenced by VEX for the very package only', async () => {
    const statement = (product: string): VexStatement => ({
      vulnerability: { name: 'CVE-2026-0001' },
      products: [{ '@id': product }],
      status: 'not_affected',
      justification: 'vulnerable_code_not_present',
    });
    for (const product of [
      'pkg:deb/debian/zlib',
      'pkg:deb/debian/zlib@1.0-1?arch=source',
      'https://example.org/image',
    ]) {
      expect((await check([statement(product)])).silenced.map(({ id }) => id)).toEqual(['CVE-2026-0001']);
    }
    for (const product of ['pkg:deb/debian/zlib@0.9-1', 'pkg:deb/debian/other']) {
      expect((await check([statement(product)])).silenced).toEqual([]);
    }
  });

  it('writes a VEX document that it can read, and that silences when its statements are judged', async () => {
    const { reported } = await check();
    const path = join(folder, 'vex.json');
    const written = vexDocument(reported, [], { author: 'x', timestamp: '2026-11-28T00:00:00Z' });
    await writeFile(path, JSON.stringify(written).replaceAll('"affected"', '"not_affected"'));
    expect((await check(await readVex(path))).reported).toEqual([]);
  });

  it('writes SARIF with a rule for each vulnerability', async () => {
    const { reported } = await check();
    const { runs } = sarifDocument(reported, 'x.img', '1') as unknown as {
      runs: { tool: { driver: { rules: { id: string }[] } }; results: { ruleId: string; level: string }[] }[];
    };
    expect(runs[0]?.tool.driver.rules.map(({ id }) => id)).toEqual(['CVE-2026-0001', 'CVE-2026-0003']);
    expect(runs[0]?.results.map(({ level }) => level)).toEqual(['warning', 'error']);
  });

  it('refuses data that it does not understand', async () => {
    const path = join(folder, 'wrong.json');
    await writeFile(path, '{"zlib":{"CVE-1":{"releases":{"trixie":{"status":"who knows"}}}}}');
    await expect(readTracker(path)).rejects.toMatchObject({ code: 'tracker-invalid' });
    await expect(readVex(path)).rejects.toMatchObject({ code: 'vex-invalid' });
    await expect(readTracker(join(folder, 'absent'))).rejects.toMatchObject({ code: 'tracker-unreadable' });
    await expect(check([], 'bookwurm')).rejects.toMatchObject({ code: 'tracker-release-unknown' });
    await expect(checkCves(path, await tracker(), { vex: [], codename: undefined }, fakeHost())).rejects.toMatchObject({
      code: 'sbom-unreadable',
    });
  });
});
