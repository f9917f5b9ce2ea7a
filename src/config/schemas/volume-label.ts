import * as z from 'zod';

/** A string that fits; the length is told to editors, the code and the hint to the person. */
function label(name: string, maxLength: number, code: string) {
  return z
    .string()
    .min(1, { error: 'must not be empty' })
    .meta({ maxLength })
    .refine((value) => Buffer.byteLength(value) <= maxLength, {
      error: (issue) =>
        `"${String(issue.input)}" is too long for a ${name} label: ${maxLength} characters are the most`,
      params: { code, hint: `Shorten it to ${maxLength} characters.` },
    });
}

export const FAT_LABEL = label('FAT', 11, 'fat-label-too-long').regex(/^[A-Z0-9_-]+$/, {
  error: 'must be capital letters, digits, _ and -: others read differently on other systems',
});

export const EXT4_LABEL = label('ext4', 16, 'ext4-label-too-long').regex(/^[\x21-\x7e]+$/, {
  error: 'must be printable ASCII without spaces',
});
