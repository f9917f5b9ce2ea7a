import { addAbortSignal } from 'node:stream';
import { InterruptedError, UserError } from '../errors.js';

/** What is piped into this process. Throws UserError `standard-input-is-a-terminal`, InterruptedError. */
export async function* readStandardInput(signal: AbortSignal): AsyncIterable<Uint8Array> {
  const { stdin } = process;
  if (stdin.isTTY) {
    throw new UserError('standard-input-is-a-terminal', 'An image comes from standard input, and that is a terminal', {
      hints: ['Let a program send it: curl -L https://server/image.img.xz | reswarm-os flash - --to /dev/sdX --yes'],
    });
  }
  try {
    for await (const bytes of addAbortSignal(signal, stdin)) yield bytes as Buffer;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw signal.reason instanceof InterruptedError ? signal.reason : new InterruptedError('a signal');
  }
}
