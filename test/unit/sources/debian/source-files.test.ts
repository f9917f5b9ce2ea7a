import { expect, it } from 'vitest';
import { sourceFiles } from '../../../../src/sources/debian/apt-output.js';
import { archiveUris, sourceArchives } from '../../../../src/sources/debian/apt-sources.js';

const SOURCES =
  'deb [trusted=yes] http://mirror.example/debian/ trixie main\n# deb-src x y z\ndeb file:/srv/m trixie main\n';
const digest = (digit: string): string => digit.repeat(64);

it('asks the same archives for source packages', () => {
  expect(sourceArchives(SOURCES)).toBe(
    'deb-src [trusted=yes] http://mirror.example/debian/ trixie main\ndeb-src file:/srv/m trixie main\n',
  );
});

it('reads files with their digests, wherever the mirror is', () => {
  const output = [
    "NOTICE: 'x' packaging is maintained in the 'Git' version control system at:",
    `'http://mirror.example/debian/pool/main/d/x/x_1.0-1%7edeb13u1.dsc' x_1.0-1~deb13u1.dsc 12 SHA256:${digest('a')}`,
    `'file:/srv/m/pool/main/d/x/x_1.0.orig.tar.xz' x_1.0.orig.tar.xz 34 SHA256:${digest('b')}`,
    `'http://mirror.example/debian/pool/x.tar.gz' x.tar.gz 5 MD5Sum:${'0'.repeat(32)}`,
  ].join('\n');
  expect(sourceFiles(output, archiveUris(SOURCES))).toEqual([
    { name: 'x_1.0-1~deb13u1.dsc', filename: 'pool/main/d/x/x_1.0-1~deb13u1.dsc', sizeBytes: 12, sha256: digest('a') },
    { name: 'x_1.0.orig.tar.xz', filename: 'pool/main/d/x/x_1.0.orig.tar.xz', sizeBytes: 34, sha256: digest('b') },
  ]);
});
