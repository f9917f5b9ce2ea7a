import { InterruptedError } from '../errors.js';

/**
 * Work that runs side by side and is only worth something together. The first failure ends the others through
 * `abandon`, waits until they are gone, and is the one that is thrown.
 */
export async function allOrNone<T extends readonly unknown[]>(
  abandon: AbortController,
  work: { readonly [K in keyof T]: Promise<T[K]> },
): Promise<T> {
  let first: { readonly error: unknown } | undefined;
  const watched = work.map((promise: Promise<unknown>) =>
    promise.catch((error: unknown) => {
      first ??= { error };
      abandon.abort(new InterruptedError('the failure of another stage'));
      return undefined;
    }),
  );
  const results = await Promise.all(watched);
  if (first !== undefined) throw first.error;
  return results as unknown as T;
}
