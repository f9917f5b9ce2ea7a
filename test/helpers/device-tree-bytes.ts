export type TreeToWrite = {
  /** Text as it is, with its zeros, or 32-bit numbers. */
  readonly properties: Readonly<Record<string, string | readonly number[]>>;
  readonly children: Readonly<Record<string, TreeToWrite>>;
};

/** A flattened device tree of version 17, as dtc writes it (Devicetree Specification 0.4, chapter 5). */
export function deviceTreeBytes(root: TreeToWrite): Buffer {
  const strings: string[] = [];
  const offsetOf = (name: string): number => {
    if (!strings.includes(name)) strings.push(name);
    return strings.slice(0, strings.indexOf(name)).reduce((sum, text) => sum + text.length + 1, 0);
  };
  const nodeBytes = (name: string, { properties, children }: TreeToWrite): Buffer =>
    Buffer.concat([
      words(1),
      padded(Buffer.from(`${name}\0`, 'latin1')),
      ...Object.entries(properties).flatMap(([key, value]) => {
        const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : words(...value);
        return [words(3, bytes.length, offsetOf(key)), padded(bytes)];
      }),
      ...Object.entries(children).map(([child, tree]) => nodeBytes(child, tree)),
      words(2),
    ]);
  const structure = Buffer.concat([nodeBytes('', root), words(9)]);
  const names = Buffer.from(strings.map((text) => `${text}\0`).join(''));
  const structureAt = HEADER_BYTES + RESERVATIONS_BYTES;
  const namesAt = structureAt + structure.length;
  const header = [
    0xd00dfeed,
    namesAt + names.length,
    structureAt,
    namesAt,
    HEADER_BYTES,
    17,
    16,
    0,
    names.length,
    structure.length,
  ];
  return Buffer.concat([words(...header), Buffer.alloc(RESERVATIONS_BYTES), structure, names]);
}

const HEADER_BYTES = 40;
/** The end of an empty list. */
const RESERVATIONS_BYTES = 16;

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
