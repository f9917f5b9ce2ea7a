import type { Problem } from '../errors.js';
import { describeProblem } from '../errors.js';
import type { Reporter } from '../pipeline/reporter.js';

/** Says what is good to know and stops nothing. */
export function reportWarnings(warnings: readonly Problem[], reporter: Reporter): void {
  for (const { hint, ...warning } of warnings) {
    reporter.emit({ type: 'warning', text: describeProblem(warning), ...(hint === undefined ? {} : { hint }) });
  }
}
