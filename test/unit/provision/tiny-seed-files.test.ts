import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkTinySeed } from '../../../src/seeds/tiny/check-tiny-seed.js';
import { systemMarkerText, systemOfBootVolume } from '../../../src/images/system-marker.js';
import { checkSeedFiles } from '../../../src/provision/check-seed-files.js';
import { createFakeHost } from '../../helpers/fake-host.js';

test('a key outside of the subset is named with its place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tiny-seed-files-'));
  await writeFile(join(folder, 'user-data'), '#cloud-config\nhostname: gate\npackages: [vim]\n');
  const options = { workingFolder: folder, paths: ['user-data'], named: {}, strict: false, isTiny: true };
  const checked = await checkSeedFiles(
    { ...options, schemas: undefined as never, defaultsFolder: folder },
    createFakeHost(),
  );
  expect(checked.findings).toMatchObject([{ code: 'tiny-seed-key', line: 3, column: 1, severity: 'error' }]);
  await rm(folder, { recursive: true });
});

test('without a key only the console lets anybody in', () => {
  const userData = { file: 'user-data', text: '#cloud-config\n' };
  expect(checkTinySeed({ userData }).warnings.map(({ code }) => code)).toEqual(['tiny-seed-console-only']);
});

test('a boot volume says which system it belongs to', async () => {
  const tiny = { system: 'tiny', userland: 'busybox', hasSsh: true };
  const bytes = Buffer.from(systemMarkerText(tiny));
  expect(await systemOfBootVolume({ readFile: () => Promise.resolve(bytes) })).toEqual(tiny);
  expect(await systemOfBootVolume({ readFile: () => Promise.resolve(undefined) })).toBeUndefined();
});

test.each([
  { text: '[device]\nHOSTNAME = "gate"\n', codes: [] },
  { text: '[wifi]\nSSID = "shop"\nPASSWD = "secret-word"\n', codes: ['tiny-seed-key'] },
])('a device file is held against what a tiny system reads: $text', async ({ text, codes }) => {
  const folder = await mkdtemp(join(tmpdir(), 'tiny-device-file-'));
  await writeFile(join(folder, 'device.ini'), text);
  const options = { workingFolder: folder, paths: ['device.ini'], named: {}, strict: false, isTiny: true };
  const checked = await checkSeedFiles(
    { ...options, schemas: undefined as never, defaultsFolder: folder },
    createFakeHost(),
  );
  const errors = checked.findings.filter(({ severity }) => severity === 'error');
  expect(errors.map(({ code }) => code)).toEqual(codes);
  await rm(folder, { recursive: true });
});
