/**
 * One thing that is wrong with an input, found before anything is written.
 * `line` and `column` count from 1, as editors do.
 */
export type Problem = {
  /** Stable, kebab-case; tests and scripts match on this, never on the text. */
  readonly code: string;
  /** What is wrong, with the thing and the value in it. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
};

type ErrorOptions = {
  readonly hints?: readonly string[];
  readonly details?: readonly string[];
  readonly cause?: unknown;
};

/** Every failure that a person can do something about. Anything else is a bug and shows its stack. */
export class ReswarmError extends Error {
  readonly exitCode: number = 1;
  readonly hints: readonly string[];
  /** Lines that help to find the cause: the tail of a log, the list of files. */
  readonly details: readonly string[];

  constructor(
    readonly code: string,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.hints = options.hints ?? [];
    this.details = options.details ?? [];
  }
}

/** The input is wrong (flags, files, missing host programs). Exit code 2. */
export class UserError extends ReswarmError {
  override readonly exitCode = 2;
  readonly problems: readonly Problem[];

  constructor(code: string, message: string, options: ErrorOptions & { readonly problems?: readonly Problem[] } = {}) {
    super(code, message, options);
    this.problems = options.problems ?? [{ code, message, hint: options.hints?.join(' ') }];
  }

  /** One error for all problems of an input, so that a person mends them in one go. */
  static fromProblems(problems: readonly Problem[]): UserError {
    const first = problems[0];
    if (first === undefined) throw new TypeError('fromProblems needs at least one problem');
    if (problems.length === 1) {
      return new UserError(first.code, describeProblem(first), {
        hints: first.hint === undefined ? [] : [first.hint],
        problems,
      });
    }
    return new UserError(first.code, `${problems.length.toString()} problems must be solved first`, {
      details: problems.map(
        (problem) => describeProblem(problem) + (problem.hint === undefined ? '' : `\n    ${problem.hint}`),
      ),
      problems,
    });
  }
}

/** A program ended with an error, or could not be started. */
export class CommandError extends ReswarmError {}

/** Bytes are not what they must be (digest, signature, read-back). */
export class IntegrityError extends ReswarmError {}

/** What was asked could not be found out here: neither a yes nor a no. Exit code 3. */
export class NotProvenError extends ReswarmError {
  override readonly exitCode = 3;
}

/** Something outside could not be reached or answered with an error. */
export class NetworkError extends ReswarmError {}

/** A drive that must not be written to, with every reason as a problem. Exit code 1. */
export class DeviceRefusedError extends ReswarmError {
  constructor(
    path: string,
    readonly problems: readonly Problem[],
  ) {
    super('device-refused', `${path} is not written to`, {
      details: problems.map(({ code, message }) => `it ${message} [${code}]`),
      hints: problems.flatMap(({ hint }) => (hint === undefined ? [] : [hint])),
    });
  }
}

/** Ctrl-C or SIGTERM. */
export class InterruptedError extends ReswarmError {
  override readonly exitCode = 130;

  constructor(signal: string) {
    super('interrupted', `Stopped by ${signal}; what was finished is kept, the next run goes on from there.`);
  }
}

/** `file:line:column: message`, the form that editors and terminals make clickable. */
export function describeProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':');
  return place === '' ? problem.message : `${place}: ${problem.message}`;
}
