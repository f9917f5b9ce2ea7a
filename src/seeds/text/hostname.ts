/** Linux takes 64 bytes; DNS allows 63 in a label. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/** What is wrong with a host name (RFC 1123), one label or, where `fqdn`, several; undefined when nothing is. */
export function hostnameFault(name: string, fqdn = false): string | undefined {
  if (name === '') return 'is empty';
  const labels = fqdn ? name.split('.') : [name];
  if (labels.every((label) => /^\d+$/.test(label))) return 'consists of digits only; it would be taken for an address';
  if (!fqdn && name.includes('.')) return 'holds a dot; the name alone belongs here, with its domain it is an fqdn';
  if (name.length > (fqdn ? 253 : 63)) return `is longer than ${fqdn ? 253 : 63} characters`;
  if (name.includes('_')) return 'holds an underscore; letters, digits and hyphens are allowed';
  if (!labels.every((label) => LABEL.test(label))) {
    return 'may hold letters, digits and hyphens only, with no hyphen at either end';
  }
  return undefined;
}
