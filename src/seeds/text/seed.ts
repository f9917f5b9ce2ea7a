/** One text of a seed and what it is called in messages: the path a person gave, or the seed's own name for it. */
export type SeedFile = { readonly file: string; readonly text: string };

/** What cloud-init's NoCloud reads from the root of the FAT partition, before or after it was made complete. */
export type SeedFiles = {
  readonly userData: SeedFile;
  readonly metaData: SeedFile;
  readonly networkConfig?: SeedFile;
};

/** The texts as they are written to the FAT partition, under the names of `SEED_FILE_NAMES`. */
export type Seed = { readonly userData: string; readonly metaData: string; readonly networkConfig?: string };

/** NoCloud takes these names only, without a suffix. */
export const SEED_FILE_NAMES = {
  userData: 'user-data',
  metaData: 'meta-data',
  networkConfig: 'network-config',
} as const;
