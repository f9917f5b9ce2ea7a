/** Whether a file begins as a page for people does: what servers and login pages answer in place of a file. */
export function isWebPage(text: string): boolean {
  return /^\s*(?:<!doctype\s+html|<html|<head|<body)/i.test(text);
}
