/** What an image's own seed promises of the booted system. */
export type BootExpectations = {
  /** undefined: the seed does not say, or says it in a way that only cloud-init can work out. */
  readonly hostname?: string;
  readonly users: readonly ExpectedUser[];
  /** Fingerprints of keys for cloud-init's default user, whose name the seed need not tell. */
  readonly defaultUserKeys: readonly string[];
};

export type ExpectedUser = { readonly name: string; readonly keys: readonly string[] };

export const NO_EXPECTATIONS: BootExpectations = { users: [], defaultUserKeys: [] };
