/** What decides which partition is placed before which. */
type Placed = { readonly grow: boolean; readonly logical: boolean };

/**
 * Partitions in the order of their places on a disk: primary ones as they are listed, then the logical ones, which
 * share one area. The one that grows is the last of its kind, and after the logical ones where it is primary: nothing
 * may be behind it. A GPT has no logical partitions.
 */
export function placementOrder<T extends Placed>(partitions: readonly T[]): readonly T[] {
  const kind = (logical: boolean, grow: boolean): readonly T[] =>
    partitions.filter((one) => one.logical === logical && one.grow === grow);
  return [...kind(false, false), ...kind(true, false), ...kind(true, true), ...kind(false, true)];
}
