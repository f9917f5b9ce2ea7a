/** What did not end by itself so long after SIGTERM is killed. */
const PATIENCE_MS = 1_500;

/**
 * Kills what is left of a program's process group some time after `signal` is aborted. SIGTERM alone is not enough:
 * a bubblewrap that gets it while it sets up its sandbox leaves its first process waiting for ever, with our pipes open.
 * For programs that were started as leaders of a group of their own, so that a Ctrl-C reaches them through us only.
 *
 * @returns a function to call when the program is gone
 */
export function killGroupAfter(signal: AbortSignal, leader: number | undefined): () => void {
  if (leader === undefined) return () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => {
      try {
        process.kill(-leader, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    }, PATIENCE_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return () => {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  };
}
