import { ReswarmError } from '../errors.js';
import { formatError } from './describe-error.js';

/**
 * Keeps work going when what it prints is lost: a disk is full, a reader went away. That stdout was lost is said once,
 * in one line, and makes the exit code 1; a reader that wants no more (`| head`) is no error, and neither is stderr.
 */
export function watchOutput(): void {
  // The CLI framework's own listener throws, which ends the process in the middle of a write.
  process.stdout.removeAllListeners('error');
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    process.stdout.on('error', () => undefined);
    if (error.code === 'EPIPE') return;
    process.exitCode = 1;
    process.stderr.write(formatError(outputLost(error)));
  });
  process.stderr.removeAllListeners('error');
  process.stderr.on('error', () => undefined);
}

function outputLost(cause: NodeJS.ErrnoException): ReswarmError {
  return new ReswarmError(
    'output-lost',
    `What was to be printed could not be written (${cause.code ?? cause.message})`,
    {
      hints: ['Is the disk full that stdout goes to?'],
      cause,
    },
  );
}
