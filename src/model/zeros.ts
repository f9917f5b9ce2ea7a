/** Whether there is nothing but zeros; a range without bytes is zeros too. */
export function isZero(bytes: Uint8Array): boolean {
  return isUniform(bytes) && (bytes[0] ?? 0) === 0;
}

/** Whether all bytes are the same one. */
export function isUniform(bytes: Uint8Array): boolean {
  return bytes.length < 2 || Buffer.compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0;
}
