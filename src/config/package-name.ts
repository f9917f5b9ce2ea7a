import * as z from 'zod';

/** A package's name as Debian's policy has it (5.6.7). */
export const PACKAGE_NAME = /^[a-z0-9][a-z0-9+.-]*[a-z0-9+.]$/;

export const packageName = z.string().regex(PACKAGE_NAME, {
  error: 'must be the name of a Debian package: small letters, digits, + - .',
});
