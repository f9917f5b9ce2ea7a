/**
 * `Promise.all` that throws only when all of the work has ended: whoever cleans up afterwards finds nobody still writing.
 */
export async function together<T extends readonly unknown[]>(work: {
  readonly [K in keyof T]: Promise<T[K]> | T[K];
}): Promise<T> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}
