import { didYouMean } from '../config/wording.js';

/** What is wrong with the name of a time zone; undefined when nothing is. */
export function timezoneFault(name: string): { readonly message: string; readonly hint?: string } | undefined {
  const known = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/.test(name) && isKnown(name);
  if (known) return undefined;
  const hint = didYouMean(name, Intl.supportedValuesOf('timeZone')) ?? 'Write it like Europe/Berlin, or UTC.';
  return { message: `"${name}" is not a time zone`, hint };
}

/** Aliases count, too: Asia/Calcutta. */
function isKnown(name: string): boolean {
  try {
    // The device's own list tells upper from lower case; Node's does not.
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '' && /[A-Z]/.test(name);
  } catch {
    return false;
  }
}
