import { describe, expect, it } from 'vitest';
import { isBrokenHash, isCryptHash } from '../../../../src/seeds/passwords/crypt-hash.js';
import { passwordOrHash } from '../../../../src/seeds/passwords/password-or-hash.js';

/** What crypt(3) of libxcrypt makes of "secret" by each of its methods. */
const HASHES = [
  '$y$j9T$k2XAnEHBqQ1Ct2aMXFKNa/$wlUhTDUqAryQnsZkFoU5UZ6UStBlZ4Z8j4gtdFPQVn4',
  '$gy$j9T$k2XAnEHBqQ1Ct2aMXFKNa/$1Ge.w/tr2e3TdN67lBUZ4pe4klR/hfBEbnc.jwyJpW/',
  '$7$CU..../....k2XAnEHBqQ1Ct2aMXFKNa/$A6IVixvhoQHDw1QkTPSWvnKLYCEH.Z8QGvH0DgLtQ1C',
  '$2b$05$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6',
  '$2y$05$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6',
  '$2a$05$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6',
  '$6$k2XAnEHBqQ1Ct2aM$iHrwyiyKiHg2YYwyBUuMGKxA1KEcXtz5/1GeBzr0MS1P/uuE3hZ0bFaooxSWrUiR3AnSTuj.ImcGKhyGcmwS5.',
  '$5$k2XAnEHBqQ1Ct2aM$rnCuOqWo.paDhUxsmHP0RfEIDdETSMulnLCs8sxkDq/',
  '$sha1$249552$qI1BtUnBX7KM$ueOCVAvgyZqb23ANKLFFBIAjtgj2',
  '$md5,rounds=45105$mA1BpMnB$$kpigs33xa/yO4/1LaCp2b/',
  '$1$k2XAnEHB$rbDfQq368qWY4bas.D3Ac0',
  '$3$$878d8014606cda29677a44efa1353fc7',
  '_J9..k2XAYfyaWNeEMnc',
];

describe('a hash that is given as a password', () => {
  it.each(HASHES)('is written as it is: %s', (hash) => {
    expect(isCryptHash(hash)).toBe(true);
    expect(passwordOrHash(hash)).toEqual({ passwordHash: hash });
  });

  it.each(HASHES.filter((hash) => /^\$(y|gy|7|2[aby]|6|5|sha1|1)\$/.test(hash)))(
    'is refused when cut off: %s',
    (hash) => {
      expect(isBrokenHash(hash.slice(0, -3))).toBe(true);
      expect(() => passwordOrHash(hash.slice(0, -3))).toThrow(/cut off/);
    },
  );

  it.each(['secret', '$', '$6$', '$1$abc', 'pa$$word', '$HOME', '$5 note', 'a'.repeat(13)])(
    '%s is a password',
    (text) => {
      expect(passwordOrHash(text)).toEqual({ password: text });
    },
  );
});
