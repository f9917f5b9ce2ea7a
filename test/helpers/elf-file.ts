/** The parts of an ELF file that the dynamic loader reads: 64 bits, little-endian, one segment that loads all of it. */
export function elfFile({
  machine = 62,
  needed = [],
  interpreter,
  runPath,
}: {
  machine?: number;
  needed?: readonly string[];
  interpreter?: string;
  runPath?: string;
} = {}): Buffer {
  const base = 0x400000;
  const texts = ['', ...needed, ...(runPath === undefined ? [] : [runPath])];
  const strings = Buffer.from(texts.map((text) => `${text}\0`).join(''));
  const offsetOf = (index: number): number => texts.slice(0, index).reduce((sum, text) => sum + text.length + 1, 0);
  const loader = Buffer.from(interpreter === undefined ? '' : `${interpreter}\0`);
  const segments = interpreter === undefined ? 2 : 3;
  const stringsAt = 64 + segments * 56;
  const loaderAt = stringsAt + strings.length;
  const dynamicAt = loaderAt + loader.length;
  const tags = [
    ...needed.map((_, index) => [1, offsetOf(index + 1)]),
    ...(runPath === undefined ? [] : [[29, offsetOf(texts.length - 1)]]),
    [5, base + stringsAt],
    [10, strings.length],
    [0, 0],
  ];
  const dynamic = Buffer.concat(tags.map(([tag = 0, value = 0]) => words(tag, value)));
  const total = dynamicAt + dynamic.length;
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(segments, 56);
  const table = [
    segment(1, 0, base, total),
    segment(2, dynamicAt, base + dynamicAt, dynamic.length),
    ...(interpreter === undefined ? [] : [segment(3, loaderAt, base + loaderAt, loader.length)]),
  ];
  return Buffer.concat([header, ...table, strings, loader, dynamic]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), index * 8);
  return bytes;
}

function segment(type: number, offset: number, address: number, size: number): Buffer {
  const bytes = Buffer.alloc(56);
  bytes.writeUInt32LE(type, 0);
  words(offset, address, address, size, size).copy(bytes, 8);
  return bytes;
}
