import type { Problem } from '../../errors.js';

/** A piece of a kernel configuration as it lies on disk. `file` is for messages only. */
export type FragmentFile = { readonly file: string; readonly text: string };

/** What one line of a fragment asks for. */
export type ConfigRequest = {
  /** With the prefix: `CONFIG_EXT4_FS`. */
  readonly name: string;
  /** As `.config` has it: `y`, `m`, `n`, a number, or a string in double quotes. */
  readonly value: string;
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
};

/** Whose configuration it is: Kconfig is not the kernel's alone. */
export type FragmentKind = {
  /** "kernel": for messages. */
  readonly what: string;
  readonly syntax: Pick<Problem, 'code'>;
  readonly conflict: Pick<Problem, 'code'>;
  readonly lost: Pick<Problem, 'code'>;
};

const KERNEL: FragmentKind = {
  what: 'kernel',
  syntax: { code: 'kernel-fragment-syntax' },
  conflict: { code: 'kernel-fragment-conflict' },
  lost: { code: 'kernel-option-lost' },
};

export type MergedFragments = {
  /** Sorted by name; one entry an option. */
  readonly requests: readonly ConfigRequest[];
  readonly problems: readonly Problem[];
};

/** `CONFIG_A=y`, where `n` stands for "is not set". */
const ASSIGNMENT = /^(CONFIG_\w+)=(y|m|n|-?\d+|0[xX][0-9a-fA-F]+|"(?:[^"\\]|\\.)*")$/;
const NOT_SET = /^# (CONFIG_\w+) is not set$/;
/** Close enough to an option that it was surely meant as one: `CONFIG_A = y`, `#CONFIG_A is not set`, `EXT4_FS=y`. */
const ALMOST_NOT_SET = /^#\s*CONFIG_\w+\s+is\s+not\s+set/;

/**
 * Reads Kconfig's own fragment syntax: `CONFIG_X=value`, `# CONFIG_X is not set`, comments, empty lines.
 * Anything else is a problem with its line: kconfig itself would skip it without a word.
 */
export function parseFragment(fragment: FragmentFile, kind = KERNEL): MergedFragments {
  const requests: ConfigRequest[] = [];
  const problems: Problem[] = [];
  for (const [index, raw] of fragment.text.split('\n').entries()) {
    const text = raw.trimEnd();
    const place = { file: fragment.file, line: index + 1 };
    const off = NOT_SET.exec(text)?.[1];
    const [, name, value] = ASSIGNMENT.exec(text) ?? [];
    if (off !== undefined) requests.push({ name: off, value: 'n', ...place });
    else if (name !== undefined && value !== undefined) requests.push({ name, value, ...place });
    else if (text !== '' && (!text.startsWith('#') || ALMOST_NOT_SET.test(text))) {
      problems.push({
        ...kind.syntax,
        message: `"${text}" is not a line of a ${kind.what} configuration`,
        hint: 'Write CONFIG_NAME=y, =m, =n, a number or a "string"; or "# CONFIG_NAME is not set"; without spaces around "=".',
        ...place,
      });
    }
  }
  return { requests, problems };
}

/**
 * All fragments as one. The same option with the same value may stand in several of them, so that each
 * can be read by itself; two different values are a problem, since their order would decide in silence.
 */
export function mergeFragments(fragments: readonly FragmentFile[], kind = KERNEL): MergedFragments {
  const parsed = fragments.map((fragment) => parseFragment(fragment, kind));
  const problems = parsed.flatMap((fragment) => fragment.problems);
  const byName = new Map<string, ConfigRequest>();
  for (const request of parsed.flatMap((fragment) => fragment.requests)) {
    const earlier = byName.get(request.name);
    if (earlier === undefined) byName.set(request.name, request);
    else if (earlier.value !== request.value) {
      problems.push({
        ...kind.conflict,
        message: `${request.name}=${request.value}, but ${earlier.file}:${earlier.line} asks for ${earlier.value}`,
        hint: 'Keep one of the two lines.',
        file: request.file,
        line: request.line,
      });
    }
  }
  return { requests: [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), problems };
}

/** The text for KCONFIG_ALLCONFIG. */
export function formatRequests(requests: readonly ConfigRequest[]): string {
  return requests.map(({ name, value }) => (value === 'n' ? `# ${name} is not set\n` : `${name}=${value}\n`)).join('');
}

/** A resolved `.config`: name → value; options that are off are absent. Throws nothing: the file is kconfig's own work. */
export function parseResolvedConfig(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split('\n')
      .map((line) => ASSIGNMENT.exec(line.trimEnd()))
      .filter((match) => match !== null)
      .map(([, name = '', value = '']): [string, string] => [name, value]),
  );
}

/** A request that kconfig did not keep, and the problem as far as it shows without Kconfig files. */
export type LostRequest = { readonly name: string; readonly problem: Problem };

/**
 * The requests that kconfig did not keep: a dependency that is missing, a misspelt or vanished name, `=y`
 * that only became `=m`. Kconfig drops them without a word, and a board that cannot boot is the result.
 */
export function lostRequests(
  requests: readonly ConfigRequest[],
  resolved: ReadonlyMap<string, string>,
  kind = KERNEL,
): readonly LostRequest[] {
  return requests
    .filter(({ name, value }) => (resolved.get(name) ?? 'n') !== value)
    .map(({ name, value, file, line }) => ({
      name,
      problem: {
        ...kind.lost,
        message: `${name}=${value} was asked for, the configured ${kind.what} has ${resolved.get(name) ?? 'n'}`,
        file,
        line,
      },
    }));
}
