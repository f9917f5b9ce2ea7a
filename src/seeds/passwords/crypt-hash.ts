/** The characters of crypt's base 64. */
const B64 = '[./0-9A-Za-z]';

/**
 * The hashes that crypt(5) of Debian (libxcrypt) knows, each in its own form: yescrypt, gost-yescrypt, scrypt, bcrypt,
 * SHA-512, SHA-256, SHA-1, SunMD5, MD5, NT, BSDi's and the traditional DES. A password that only begins like a hash is
 * none.
 */
const FORMS: readonly RegExp[] = [
  new RegExp(`^\\$g?y\\$${B64}+\\$${B64}{0,86}\\$${B64}{43}$`),
  new RegExp(`^\\$7\\$${B64}{11,97}\\$${B64}{43}$`),
  new RegExp(`^\\$2[abxy]\\$[0-9]{2}\\$${B64}{53}$`),
  new RegExp(`^\\$6\\$(rounds=[1-9][0-9]+\\$)?[^$:\\n]{1,16}\\$${B64}{86}$`),
  new RegExp(`^\\$5\\$(rounds=[1-9][0-9]+\\$)?[^$:\\n]{1,16}\\$${B64}{43}$`),
  new RegExp(`^\\$sha1\\$[1-9][0-9]+\\$${B64}{1,64}\\$${B64}{28}$`),
  new RegExp(`^\\$md5(,rounds=[1-9][0-9]+)?\\$${B64}{8}\\$\\$?${B64}{22}$`),
  new RegExp(`^\\$1\\$[^$:\\n]{1,8}\\$${B64}{22}$`),
  /^\$3\$\$[0-9a-f]{32}$/,
  new RegExp(`^_${B64}{19}$`),
];

/** Whether a text is a password's hash as /etc/shadow holds it, with its method written in front. */
export function isCryptHash(text: string): boolean {
  return FORMS.some((form) => form.test(text));
}

/** What begins like a hash of one of these methods and has its three parts, but is none: cut off or mistyped. */
export function isBrokenHash(text: string): boolean {
  return /^\$(1|2[abxy]|5|6|7|g?y|sha1)\$[./0-9A-Za-z=,]+\$[./0-9A-Za-z$]*$/.test(text) && !isCryptHash(text);
}

/** What the second field of /etc/shadow may hold in place of a password; "!" and "*" lock an account. */
export function isShadowField(text: string): boolean {
  return /^(\$[0-9a-z]+[$,]|[!*]|_|[./0-9A-Za-z]{13}$)/.test(text);
}
