import type { ReswarmError } from '../errors.js';
import { DeviceRefusedError, UserError } from '../errors.js';

/** An error as a person reads it on standard error: one line per fact, the last one ended. */
export function formatError(error: ReswarmError): string {
  const lines = [
    `Error: ${error.message} [${error.code}]`,
    ...error.details.map((line) => `  ${line}`),
    ...error.hints.map((hint) => `Hint: ${hint}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** The same for --json. */
export function errorJson(error: ReswarmError) {
  return {
    error: {
      code: error.code,
      message: error.message,
      hints: error.hints,
      details: error.details,
      ...(error instanceof UserError || error instanceof DeviceRefusedError ? { problems: error.problems } : {}),
    },
  };
}
