import type { Hook } from '@oclif/core';
import { errorJson, formatError } from '../ui/describe-error.js';
import { unknownCommand } from '../ui/usage-errors.js';

/** Says which command was probably meant. */
const hook: Hook.CommandNotFound = ({ argv = [], config, id }) => {
  const error = unknownCommand(id, config.commandIDs, config.bin);
  process.exitCode = error.exitCode;
  if (argv.includes('--json')) process.stdout.write(`${JSON.stringify(errorJson(error), undefined, 2)}\n`);
  else process.stderr.write(formatError(error));
  return Promise.resolve();
};

export default hook;
