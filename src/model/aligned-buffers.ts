/** Missing in Node's types, which leave it to the browser's. */
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: { readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };
};
const WASM_PAGE_BYTES = 64 * 1024;

/**
 * Buffers that begin at a page of memory, which O_DIRECT asks for and no Buffer of Node promises; the memory of a
 * WebAssembly module always does.
 */
export function alignedBuffers(count: number, sizeBytes: number): readonly Buffer[] {
  const strideBytes = Math.ceil(sizeBytes / WASM_PAGE_BYTES) * WASM_PAGE_BYTES;
  const memory = new WebAssembly.Memory({ initial: (count * strideBytes) / WASM_PAGE_BYTES });
  return Array.from({ length: count }, (_, index) => Buffer.from(memory.buffer, index * strideBytes, sizeBytes));
}
