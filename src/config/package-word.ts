import { isPath } from './file-chain.js';
import { PACKAGE_NAME } from './package-name.js';

/** Why something cannot be asked of apt, and what to write instead. */
export type PackageFault = { readonly code: string; readonly message: string; readonly hint: string };

const VERSION = /^[0-9][A-Za-z0-9.+:~-]*$/;
const RELEASE = /^[a-z0-9][a-z0-9.+-]*$/;

/** A path of a .deb rather than a name. */
export function isPackageFile(word: string): boolean {
  return isPath(word) || (word.endsWith('.deb') && !PACKAGE_NAME.test(word));
}

/** What is wrong with a word for apt: `name`, `name=version`, `name/release`. Code: `package-name-invalid`. */
export function packageFault(word: string): PackageFault | undefined {
  const [, name = word, sign, rest = ''] = /^([^=/]*)([=/])(.*)$/.exec(word) ?? [];
  const code = 'package-name-invalid';
  if (word.endsWith('-') && PACKAGE_NAME.test(word.slice(0, -1))) {
    const hint = `To leave a package out: withoutPackages: [${word.slice(0, -1)}].`;
    return { code, message: `"${word}" is not a Debian package name`, hint };
  }
  if (!PACKAGE_NAME.test(name)) {
    const hint = 'Names are lower case: letters, digits, "+", "-" and ".". Separate several with commas.';
    return { code, message: `"${word}" is not a Debian package name`, hint };
  }
  if (sign === '=' && !VERSION.test(rest)) {
    return { code, message: `"${rest}" is not a version`, hint: 'As apt names one: name=1.2.3-4.' };
  }
  if (sign === '/' && !RELEASE.test(rest)) {
    return { code, message: `"${rest}" is not a release`, hint: 'For example name/trixie-backports.' };
  }
  return undefined;
}
