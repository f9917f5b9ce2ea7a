import { describe, expect, it } from 'vitest';
import { readCpio } from '../../../../src/formats/cpio/archive.js';
import { cpioArchive } from '../../../../src/formats/cpio/write-archive.js';

const TIME = 1_767_225_600;

async function readBack(archive: Buffer) {
  const read = (offset: number, length: number) => Promise.resolve(archive.subarray(offset, offset + length));
  const { entries, endBytes } = await readCpio(read, 0, archive.length);
  const content = entries.map(({ offsetBytes, sizeBytes }) =>
    archive.subarray(offsetBytes, offsetBytes + sizeBytes).toString(),
  );
  return { entries, content, endBytes };
}

describe('an archive that is written', () => {
  it('is read back with names, modes, owners, times and content', async () => {
    const archive = cpioArchive(
      [
        { name: 'boot', mode: 0o755 },
        { name: 'boot/user-data', mode: 0o600, content: Buffer.from('#cloud-config\n') },
        { name: 'boot/empty', mode: 0o644, content: new Uint8Array() },
      ],
      TIME,
    );
    const { entries, content } = await readBack(archive);
    expect(entries.map(({ name }) => name)).toEqual(['boot', 'boot/user-data', 'boot/empty']);
    expect(entries.map(({ mode }) => mode.toString(8))).toEqual(['40755', '100600', '100644']);
    expect(entries.every(({ uid, gid, modifiedSeconds }) => uid === 0 && gid === 0 && modifiedSeconds === TIME)).toBe(
      true,
    );
    expect(content).toEqual(['', '#cloud-config\n', '']);
  });

  it.each([0, 1, 2, 3, 4, 511, 512, 513])('of a file of %i bytes keeps the next archive at a multiple of 4', async (n) => {
    const bytes = Buffer.alloc(n, 'x');
    const archive = cpioArchive([{ name: 'file', mode: 0o644, content: bytes }], TIME);
    expect(archive.length % 512).toBe(0);
    const { content } = await readBack(archive);
    expect(content[0]).toBe(bytes.toString());
  });
});
