import { createHash } from 'node:crypto';

/** The texts of a finished seed, as they lie on a card. */
type SeedTexts = { readonly userData: string; readonly metaData: string; readonly networkConfig?: string };

/** sha256 (hex) by which two seeds are told apart; their values cannot be read out of it. */
export function seedDigest({ userData, metaData, networkConfig }: SeedTexts): string {
  return createHash('sha256')
    .update(JSON.stringify([userData, metaData, networkConfig ?? null]))
    .digest('hex');
}
