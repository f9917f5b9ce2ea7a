/** "8:16" of a device number as Linux packs it (gnu_dev_major, gnu_dev_minor). */
export function deviceNumber(packed: number): string {
  const number = BigInt(packed);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
