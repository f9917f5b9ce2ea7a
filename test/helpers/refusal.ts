import { UserError } from '../../src/errors.js';

/** The UserError that `make` throws; throws itself where there is none. */
export function refusal(make: () => unknown): UserError {
  try {
    make();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
