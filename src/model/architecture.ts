export const ARCHITECTURES = ['arm64', 'amd64'] as const;

/** Debian's names. */
export type Architecture = (typeof ARCHITECTURES)[number];
