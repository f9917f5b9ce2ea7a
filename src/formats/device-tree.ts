/** A node of a device tree. Children are in the order of the file. */
export type DeviceTreeNode = {
  /** As in the file, with the unit address: `mmc@7e202000`; empty for the root. */
  readonly name: string;
  readonly properties: ReadonlyMap<string, Uint8Array>;
  readonly children: readonly DeviceTreeNode[];
};

const MAGIC = 0xd00dfeed;
const TOKEN = { beginNode: 1, endNode: 2, property: 3, nop: 4, end: 9 } as const;

/**
 * Reads a flattened device tree (.dtb, .dtbo), format version 16 or later (Devicetree Specification 0.4, chapter 5).
 * Gives its root node, or undefined for bytes that are none or that are cut off.
 */
export function readDeviceTree(bytes: Uint8Array): DeviceTreeNode | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 40 || view.getUint32(0) !== MAGIC || view.getUint32(4) > bytes.length) return undefined;
  try {
    return new StructureBlock(bytes, view).readRoot();
  } catch (error) {
    // A DataView throws it for what lies behind the end.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The texts of a property that holds some, such as `compatible`; none where it is missing. */
export function textsOf(node: DeviceTreeNode, property: string): readonly string[] {
  const value = node.properties.get(property);
  return value === undefined ? [] : asText(value).split('\0').slice(0, -1);
}

/** The 32-bit numbers of a property; none where it is missing. */
export function cellsOf(node: DeviceTreeNode, property: string): readonly number[] {
  const value = node.properties.get(property);
  if (value === undefined) return [];
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return Array.from({ length: Math.floor(value.length / 4) }, (_, index) => view.getUint32(index * 4));
}

export function childOf(node: DeviceTreeNode, name: string): DeviceTreeNode | undefined {
  return node.children.find((child) => child.name === name);
}

/** The token stream of the structure block. Throws RangeError where it leads out of the file. */
class StructureBlock {
  private readonly start: number;
  private offset: number;
  private readonly strings: number;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly view: DataView,
  ) {
    this.start = view.getUint32(8);
    this.offset = this.start;
    this.strings = view.getUint32(12);
  }

  readRoot(): DeviceTreeNode {
    this.expect(TOKEN.beginNode);
    return this.readNode();
  }

  private readNode(): DeviceTreeNode {
    const name = this.textAt(this.offset);
    // A character of latin1 is a byte; as UTF-8, a foreign name would be longer than it is in the file.
    this.skip(name.length + 1);
    const properties = new Map<string, Uint8Array>();
    const children: DeviceTreeNode[] = [];
    for (let token = this.next(); token !== TOKEN.endNode; token = this.next()) {
      if (token === TOKEN.beginNode) children.push(this.readNode());
      else if (token === TOKEN.property) properties.set(...this.readProperty());
      else throw new RangeError(`unknown token ${token}`);
    }
    return { name, properties, children };
  }

  private readProperty(): [string, Uint8Array] {
    const length = this.view.getUint32(this.offset);
    const name = this.textAt(this.strings + this.view.getUint32(this.offset + 4));
    const start = this.offset + 8;
    if (start + length > this.bytes.length) throw new RangeError('a property leads out of the file');
    this.skip(8 + length);
    return [name, this.bytes.subarray(start, start + length)];
  }

  private expect(wanted: number): void {
    if (this.next() !== wanted) throw new RangeError('the structure block does not begin with a node');
  }

  private next(): number {
    let token: number;
    do {
      token = this.view.getUint32(this.offset);
      this.offset += 4;
    } while (token === TOKEN.nop);
    return token;
  }

  /** Tokens are at multiples of four bytes from the beginning of their block, wherever that is in the file. */
  private skip(bytes: number): void {
    const inside = this.offset + bytes - this.start;
    this.offset = this.start + Math.ceil(inside / 4) * 4;
  }

  private textAt(offset: number): string {
    const end = this.bytes.indexOf(0, offset);
    if (end === -1) throw new RangeError('a text does not end');
    return asText(this.bytes.subarray(offset, end));
  }
}

function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
