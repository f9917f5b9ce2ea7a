import { describe, expect, it } from 'vitest';
import { firstCause, runDpkg } from '../../../../../src/sources/debian/rootfs/dpkg-failure.js';
import { createFakeHost } from '../../../../helpers/fake-host.js';

/** dpkg 1.22 with a script that fails, and 30 packages that need its package. */
const OUTPUT = [
  'Setting up libfoo (1.0) ...',
  'Setting up foo (1.0) ...',
  'foo: cannot find its device',
  '/var/lib/dpkg/info/foo.postinst: 3: nosuchcmd: not found',
  'dpkg: error processing package foo (--configure):',
  ' installed foo package post-installation script subprocess returned error exit status 127',
  ...Array.from({ length: 30 }, (_, index) => [
    `dpkg: dependency problems prevent configuration of bar${index}:`,
    ` bar${index} depends on foo; however:`,
    '  Package foo is not configured yet.',
    '',
    `dpkg: error processing package bar${index} (--configure):`,
    ' dependency problems - leaving unconfigured',
  ]).flat(),
  'Errors were encountered while processing:',
  ' foo',
];

describe('when dpkg fails', () => {
  it('the first cause is shown, not the last lines', () => {
    expect(firstCause(OUTPUT)).toEqual(OUTPUT.slice(2, 6));
  });

  it('the first cause is found behind its consequences too', () => {
    const turned = [...OUTPUT.slice(6, 12), ...OUTPUT.slice(2, 6)];
    expect(firstCause(turned)).toEqual(OUTPUT.slice(2, 6));
  });

  it('the message names the package that is to blame', async () => {
    const host = createFakeHost({ run: () => ({ exitCode: 1, stderr: OUTPUT.join('\n') }) });
    await expect(runDpkg(host, { root: '/' }, { file: 'dpkg', args: [] }, {})).rejects.toMatchObject({
      code: 'command-failed',
      message: 'The package foo could not be processed, and so 30 others could not',
      packages: ['foo', ...Array.from({ length: 30 }, (_, index) => `bar${index}`)],
      details: OUTPUT.slice(2, 6),
    });
  });

  it('its own words are kept where it names no package', async () => {
    const host = createFakeHost({ run: () => ({ exitCode: 2, stderr: 'dpkg: error: no such option' }) });
    await expect(runDpkg(host, { root: '/' }, { file: 'dpkg', args: [] }, {})).rejects.toMatchObject({
      code: 'command-failed',
      details: ['dpkg: error: no such option'],
    });
  });
});
