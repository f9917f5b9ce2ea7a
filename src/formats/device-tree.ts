import { alignUp } from '../model/bytes.js';

/** A node of a device tree. Children are in the order of the file. */
export type DeviceTreeNode = {
  /** As in the file, with the unit address: `mmc@7e202000`; empty for the root. */
  readonly name: string;
  readonly properties: ReadonlyMap<string, Uint8Array>;
  readonly children: readonly DeviceTreeNode[];
};

const MAGIC = 0xd00dfeed;
const CELL_BYTES = 4;
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
    const name = asText(this.take(this.lengthOfText(this.offset) + 1).subarray(0, -1));
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
    const length = this.cell();
    const nameAt = this.strings + this.cell();
    const name = asText(this.bytes.subarray(nameAt, nameAt + this.lengthOfText(nameAt)));
    return [name, this.take(length)];
  }

  private expect(wanted: number): void {
    if (this.next() !== wanted) throw new RangeError('the structure block does not begin with a node');
  }

  private next(): number {
    for (;;) {
      const token = this.cell();
      if (token !== TOKEN.nop) return token;
    }
  }

  private cell(): number {
    const value = this.view.getUint32(this.offset);
    this.offset += CELL_BYTES;
    return value;
  }

  /**
   * The next bytes, and on to the token behind them: tokens are at multiples of four bytes from the beginning of their
   * block, wherever that is in the file.
   */
  private take(length: number): Uint8Array {
    const end = this.offset + length;
    if (end > this.bytes.length) throw new RangeError('a name or a property leads out of the file');
    const taken = this.bytes.subarray(this.offset, end);
    this.offset = this.start + alignUp(end - this.start, CELL_BYTES);
    return taken;
  }

  /** In bytes, without the zero at its end. */
  private lengthOfText(offset: number): number {
    const end = this.bytes.indexOf(0, offset);
    if (end === -1) throw new RangeError('a text does not end');
    return end - offset;
  }
}

function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
