import { describe, expect, it } from 'vitest';
import { readCpio } from '../../../../src/formats/cpio/archive.js';
import { cpioFileSystem } from '../../../../src/formats/cpio/file-system.js';
import { FileSystemReader } from '../../../../src/formats/file-system/file-system-reader.js';
import { readFrom } from '../../../helpers/ext-fixture.js';

type Entry = { name: string; mode?: number; content?: string; links?: number; inode?: number };

function archive(...entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries, { name: 'TRAILER!!!', mode: 0 }].map(entryBytes));
}

function entryBytes({ name, mode = 0o100644, content = '', links = 1, inode = 1 }: Entry): Buffer {
  const numbers = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
  const header = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}${name}\0`;
  const padded = (text: string) => text.padEnd(Math.ceil(text.length / 4) * 4, '\0');
  return Buffer.from(padded(header) + padded(content), 'latin1');
}

async function readerOf(bytes: Buffer): Promise<FileSystemReader> {
  const read = readFrom(bytes);
  const { entries } = await readCpio(read, 0, bytes.length);
  return new FileSystemReader(await cpioFileSystem([{ read, entries }], bytes.length), 'x');
}

const problem = (bytes: Buffer) =>
  readCpio(readFrom(bytes), 0, bytes.length).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );

describe('an archive', () => {
  it('has the content of hard links at any one of their names', async () => {
    const reader = await readerOf(
      archive(
        { name: 'a', links: 2, inode: 7 },
        { name: 'b', links: 2, inode: 7, content: 'both' },
        { name: 'c', inode: 8 },
      ),
    );
    for (const path of ['/a', '/b']) expect((await reader.readFile(path))?.toString()).toBe('both');
    expect((await reader.readFile('/c'))?.toString()).toBe('');
  });

  it('gives folders to what lies in none, and takes the later of two entries', async () => {
    const reader = await readerOf(archive({ name: './x/y/z', content: 'one' }, { name: '/x/y/z', content: 'two' }));
    expect((await reader.readFile('/x/y/z'))?.toString()).toBe('two');
    expect((await reader.entries()).map(({ path }) => path)).toEqual(['/', '/x', '/x/y', '/x/y/z']);
  });

  it('is damaged where an entry leads out of the root, or lies in a file', async () => {
    await expect(readerOf(archive({ name: '../etc/passwd' }))).rejects.toThrow(/impossible name/);
    await expect(readerOf(archive({ name: 'a' }, { name: 'a/b' }))).rejects.toThrow(/\/a has entries below it/);
    await expect(readerOf(archive({ name: 'a', mode: 0o30644 }))).rejects.toThrow(/impossible mode/);
  });

  it('is damaged wherever it is cut', async () => {
    const whole = archive({ name: 'etc', mode: 0o40755 }, { name: 'etc/fstab', content: 'x'.repeat(50) });
    expect(await problem(whole)).toBe('');
    for (let length = 0; length < whole.length - 4; length += 1) {
      expect(await problem(whole.subarray(0, length)), `${length}`).toMatch(/ends|no header/);
    }
  });

  it('is damaged where a header is none, or a name has no end or no length', async () => {
    const whole = archive({ name: 'abc', content: 'x' });
    const changed = (at: number, text: string) => {
      const copy = Buffer.from(whole);
      copy.write(text, at, 'latin1');
      return copy;
    };
    expect(await problem(changed(0, '070703'))).toMatch(/no header of an entry at byte 0/);
    expect(await problem(changed(20, 'zz'))).toMatch(/has no numbers/);
    expect(await problem(changed(94, '00000000'))).toMatch(/a name of 0 bytes/);
    expect(await problem(changed(94, 'ffffffff'))).toMatch(/a name of 4294967295 bytes/);
    expect(await problem(changed(113, 'd'))).toMatch(/without an end/);
    expect(await problem(changed(54, 'fffffff0'))).toMatch(/it ends inside of abc/);
  });
});
