import type { z } from 'zod';
import type { Problem } from '../errors.js';
import { describeExpected, describeFound, describePath, didYouMean, hintForType, nearestWord } from './wording.js';
import type { Path, YamlSource } from './yaml-source.js';
import { allowedKeys } from './zod-keys.js';

type Issue = z.core.$ZodIssue;

export type ZodProblemOptions = {
  /** The schema that was used: its keys at the place of an unknown key become the did-you-mean. */
  readonly schema?: z.core.$ZodType;
  /** Values at these paths are never shown. */
  readonly isSecret?: (path: Path) => boolean;
};

/**
 * Zod's issues as problems with file:line:column. Codes: `unknown-key`, `missing-key`, `wrong-type`, `invalid-value`.
 * A refinement may name its own code and hint: `{ message, params: { code: 'label-too-long', hint: '…' } }`.
 */
export function problemsFromZod(
  error: z.ZodError,
  source: YamlSource,
  file: string,
  options: ZodProblemOptions = {},
): Problem[] {
  const found = error.issues.flatMap((issue) => flatten(issue, []));
  return found
    .filter(({ issue, path }) => !(isMissing(issue, valueAt(source.value, path)) && isMeantByTypo(path, found)))
    .flatMap(({ issue, path }) => problemsOf(issue, path, { source, file, options }));
}

type Placed = { readonly issue: Issue; readonly path: Path };
type Context = { readonly source: YamlSource; readonly file: string; readonly options: ZodProblemOptions };

/** Paths of nested issues are relative to where they hang; symbols cannot come out of YAML. */
function placed(issue: Issue, base: Path): Placed {
  return { issue, path: [...base, ...issue.path.filter((part) => typeof part !== 'symbol')] };
}

/** Of a union, only the alternative that was most likely meant speaks; where none stands out, the union itself. */
function flatten(issue: Issue, base: Path): Placed[] {
  const here = placed(issue, base);
  if (issue.code !== 'invalid_union') return [here];
  const candidates = issue.errors.filter((issues) => issues.length > 0 && !issues.some(refusesWhole));
  const [best] = candidates.toSorted((a, b) => a.length - b.length);
  return best === undefined ? [here] : best.flatMap((inner) => flatten(inner, here.path));
}

/** The value as a whole is of another kind: that alternative was not meant. */
function refusesWhole(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

function isMissing(issue: Issue, value: unknown): boolean {
  const isOfKind = issue.code === 'invalid_type' || issue.code === 'invalid_union';
  return isOfKind && value === undefined && typeof issue.path.at(-1) === 'string';
}

/** `nme: x` gives an unknown and a missing key; the first, with its did-you-mean, says it all. */
function isMeantByTypo(missing: Path, issues: readonly Placed[]): boolean {
  const parent = describePath(missing.slice(0, -1));
  const key = missing.at(-1)?.toString() ?? '';
  return issues.some(
    ({ issue, path }) =>
      issue.code === 'unrecognized_keys' &&
      describePath(path) === parent &&
      issue.keys.some((unknown) => nearestWord(unknown, [key]) !== undefined),
  );
}

function problemsOf(issue: Issue, path: Path, { source, file, options }: Context): Problem[] {
  const name = path.length === 0 ? 'the document' : `"${describePath(path)}"`;
  const value = valueAt(source.value, path);
  const shown = describeFound(value, options.isSecret?.(path) === true);
  const at = (code: string, message: string, hint?: string, place = source.locate(path)): Problem => ({
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    file,
    ...place,
  });
  if (issue.code === 'unrecognized_keys') {
    const known = options.schema === undefined ? [] : allowedKeys(options.schema, path);
    const where = path.length === 0 ? '' : ` in ${name}`;
    return issue.keys.map((key) => {
      const message = `"${key}" is not a key that is known${where}`;
      return at('unknown-key', message, didYouMean(key, known), source.locate([...path, key], 'key'));
    });
  }
  if (isMissing(issue, value)) return [at('missing-key', `${name} is missing`)];
  if (issue.code === 'invalid_type') {
    const message = `${name} must be ${describeExpected(issue.expected)}, found ${shown}`;
    return [at('wrong-type', message, hintForType([issue.expected], value))];
  }
  if (issue.code === 'invalid_value') {
    const words = issue.values.map(String);
    const message = `${name} must be ${words.map((word) => `"${word}"`).join(' or ')}, found ${shown}`;
    return [at('invalid-value', message, typeof value === 'string' ? didYouMean(value, words) : undefined)];
  }
  if (issue.code === 'invalid_union') {
    return [at('wrong-type', `${name} must be ${alternatives(issue)}, found ${shown}`)];
  }
  if (issue.code === 'invalid_key') {
    const why = issue.issues.map((inner) => inner.message).join('; ');
    return [at('invalid-value', `${name} has a key that cannot be: ${why}`, undefined, source.locate(path, 'key'))];
  }
  if (issue.code === 'custom') {
    const { code, hint } = issue.params ?? {};
    const text = (word: unknown): string | undefined => (typeof word === 'string' ? word : undefined);
    return [at(text(code) ?? 'invalid-value', issue.message, text(hint))];
  }
  return [at('invalid-value', `${name}: ${firstLower(issue.message)}`)];
}

function alternatives(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const words = issue.errors.flatMap((issues) =>
    issues.map((inner) =>
      inner.code === 'invalid_type'
        ? describeExpected(inner.expected)
        : inner.code === 'invalid_value'
          ? inner.values.map((value) => `"${String(value)}"`).join(' or ')
          : inner.message,
    ),
  );
  return words.length === 0 ? 'one of the known forms' : [...new Set(words)].join(' or ');
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const segment of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Object.hasOwn(current, segment) ? (current as Record<string | number, unknown>)[segment] : undefined;
  }
  return current;
}

function firstLower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
