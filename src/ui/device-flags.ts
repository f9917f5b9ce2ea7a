/** Flags that every command has which writes to a drive. */
export const ALLOW_LARGE = {
  description: 'also a drive of more than 256 GiB, which is more often a hard disk than a card',
  helpGroup: 'TARGET',
} as const;

export const ALLOW_BUILT_IN = {
  description: 'also a drive that is neither removable, nor USB, nor a memory card',
  helpGroup: 'TARGET',
} as const;
