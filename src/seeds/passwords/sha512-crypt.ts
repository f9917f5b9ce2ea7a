import { createHash, randomBytes } from 'node:crypto';

/** Characters of crypt's base 64, least value first. */
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ROUNDS = 5000;
const LONGEST_SALT = 16;

/** The order in which the bytes of the last digest are written, by threes (glibc's sha512-crypt.c). */
const ORDER = Array.from({ length: 21 }, (_, index) => {
  const triple = [index, index + 21, index + 42];
  const turn = index % 3;
  return [...triple.slice(turn), ...triple.slice(0, turn)];
});

/**
 * SHA-512 crypt, "$6$salt$…", as crypt(3) and `openssl passwd -6` make it (Ulrich Drepper, Unix crypt using SHA-256
 * and SHA-512, 2007): 5000 rounds, some ten milliseconds. No program is needed, so nothing shows the password.
 */
export function sha512Crypt(password: string, salt: string): string {
  const key = Buffer.from(password);
  const seed = Buffer.from(salt.slice(0, LONGEST_SALT));
  const inner = sha512(key, seed, key);
  const first: Uint8Array[] = [key, seed, cycle(inner, key.length)];
  for (let bits = key.length; bits > 0; bits >>>= 1) first.push((bits & 1) === 1 ? inner : key);
  let digest = sha512(...first);
  const repeatedKey = cycle(sha512(...Array.from({ length: key.length }, () => key)), key.length);
  const repeatedSalt = cycle(sha512(...Array.from({ length: 16 + (digest[0] ?? 0) }, () => seed)), seed.length);
  for (let round = 0; round < ROUNDS; round += 1) {
    const parts: Uint8Array[] = [round % 2 === 1 ? repeatedKey : digest];
    if (round % 3 !== 0) parts.push(repeatedSalt);
    if (round % 7 !== 0) parts.push(repeatedKey);
    parts.push(round % 2 === 1 ? digest : repeatedKey);
    digest = sha512(...parts);
  }
  const text = ORDER.map(([high = 0, middle = 0, low = 0]) => {
    return base64(((digest[high] ?? 0) << 16) | ((digest[middle] ?? 0) << 8) | (digest[low] ?? 0), 4);
  });
  return `$6$${seed.toString()}$${text.join('')}${base64(digest[63] ?? 0, 2)}`;
}

/** 96 bits of the system's random numbers. */
export function randomSalt(): string {
  return Array.from(randomBytes(LONGEST_SALT), (byte) => ALPHABET.charAt(byte % ALPHABET.length)).join('');
}

/**
 * Hashes with a random salt, or gives the hash that is there already for the same password: who sets a password
 * again changes nothing.
 *
 * @param texts in which hashes may stand, such as the user-data that a card has
 */
export function passwordHasher(texts: readonly string[]): (password: string) => string {
  const present = texts.flatMap((text) => [...text.matchAll(/\$6\$([./0-9A-Za-z]{1,16})\$[./0-9A-Za-z]{86}/g)]);
  return (password) => {
    const known = present.find(([hash, salt = '']) => sha512Crypt(password, salt) === hash);
    return known?.[0] ?? sha512Crypt(password, randomSalt());
  };
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The bytes over and over, up to a length. */
function cycle(bytes: Uint8Array, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => bytes[index % bytes.length] ?? 0));
}

function base64(value: number, characters: number): string {
  return Array.from({ length: characters }, (_, index) => ALPHABET.charAt((value >>> (6 * index)) & 0x3f)).join('');
}
