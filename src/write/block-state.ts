/** What is known of a block of the card. */
export const BlockState = {
  todo: 0,
  /** An interrupted run says that it is there; compared before it is written again. */
  claimed: 1,
  written: 2,
  /** Read back, and as it should be, after the last write to the card. */
  verified: 3,
  /** Could not be written, or came back different: tried again in the next reading of the image. */
  suspect: 4,
  bad: 5,
} as const;

/** States that a reading of the image brings further. */
export const WANTED_STATES: ReadonlySet<number> = new Set([BlockState.todo, BlockState.claimed, BlockState.suspect]);
