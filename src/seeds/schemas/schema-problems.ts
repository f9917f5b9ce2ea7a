import type { Problem } from '../../errors.js';
import {
  describeExpected,
  describeFound,
  describePath,
  didYouMean,
  hintForType,
  nearestWord,
} from '../../config/wording.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import type { Findings } from '../text/findings.js';
import { isDeprecation, type JsonSchema, type SchemaIssue } from './schema-issue.js';
import { isSecretPath } from '../text/secrets.js';

/**
 * Schema issues as sentences with file:line:column. Codes: `unknown-key`, `missing-key`, `wrong-type`,
 * `invalid-value`; warnings: `deprecated-key`.
 *
 * @param document what the file is called in "is not a … key": "cloud-config"
 */
export function problemsFromSchema(issues: readonly SchemaIssue[], source: YamlSource, document: string): Findings {
  const relevant = issues.flatMap(mostLikely);
  const errors = relevant.filter(
    (issue) => !isDeprecation(issue) && !isMeantByTypo(issue, relevant) && !isSaidByType(issue, relevant),
  );
  return {
    problems: withoutRepeats(errors.map((issue) => toProblem(issue, source, document))),
    warnings: withoutRepeats(relevant.filter(isDeprecation).map((issue) => toDeprecation(issue, source))),
  };
}

/** Of alternatives, what the one that was most likely meant has to say; the whole issue where none stands out. */
function mostLikely(issue: SchemaIssue): readonly SchemaIssue[] {
  const possible = issue.alternatives
    .filter(({ issues }) => !issues.some((inner) => refusesWhole(inner, issue.path)))
    .map(({ issues }) => issues.filter((inner) => !isDeprecation(inner) && !isMeantByTypo(inner, issues)));
  const ofThatType = possible.filter((issues) => !issues.some((inner) => describePath(inner.path) === typePath(issue)));
  const [best, second] = (ofThatType.length > 0 ? ofThatType : possible).toSorted(
    (a, b) => depth(b) - depth(a) || a.length - b.length,
  );
  if (best === undefined) return [issue];
  if (second !== undefined && best.every(isRequired) && second.every(isRequired)) return [issue];
  return best.flatMap(mostLikely);
}

/** The value as a whole is of another kind: that alternative was not meant. */
function refusesWhole(issue: SchemaIssue, path: Path): boolean {
  if (describePath(issue.path) !== describePath(path)) return false;
  if (issue.alternatives.length === 0) return issue.keyword === 'type' || issue.keyword === 'enum';
  return issue.alternatives.every(({ issues }) => issues.some((inner) => refusesWhole(inner, path)));
}

/** Network devices and modules say by their `type` which alternative they are. */
function typePath(issue: SchemaIssue): string {
  return describePath([...issue.path, 'type']);
}

function depth(issues: readonly SchemaIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function isRequired(issue: SchemaIssue): boolean {
  return issue.keyword === 'required';
}

/** `nmae: x` gives an unknown and a missing key; the first, with its did-you-mean, says it all. */
function isMeantByTypo(issue: SchemaIssue, issues: readonly SchemaIssue[]): boolean {
  const leaves = leavesOf(issue);
  const missing = leaves.map((leaf) => text(leaf.params['missingProperty']));
  return (
    leaves.every(isRequired) &&
    issues.some(
      (other) =>
        other.keyword === 'additionalProperties' &&
        describePath(other.path) === describePath(issue.path) &&
        nearestWord(text(other.params['additionalProperty']), missing) !== undefined,
    )
  );
}

/** That a number is none of the allowed words goes without saying once it is said that it must be text. */
function isSaidByType(issue: SchemaIssue, issues: readonly SchemaIssue[]): boolean {
  const place = describePath(issue.path);
  return (
    issue.keyword === 'enum' && issues.some((other) => other.keyword === 'type' && describePath(other.path) === place)
  );
}

function toProblem(issue: SchemaIssue, source: YamlSource, document: string): Problem {
  const { path, keyword, params, value, schema, message } = issue;
  const name = path.length === 0 ? 'the document' : `"${describePath(path)}"`;
  const at = (code: string, words: string, hint?: string, place = source.locate(path)): Problem => ({
    code,
    message: words,
    ...(hint === undefined ? {} : { hint }),
    file: source.file,
    ...place,
  });
  const found = describeFound(value, isSecretPath(path));
  if (keyword === 'additionalProperties') {
    const key = text(params['additionalProperty']);
    const words =
      path.length === 0 ? `"${key}" is not a ${document} key` : `"${key}" is not a key that ${name} can have`;
    return at('unknown-key', words, didYouMean(key, currentKeys(schema)), source.locate([...path, key], 'key'));
  }
  if (keyword === 'required') return at('missing-key', `${name} needs "${text(params['missingProperty'])}"`);
  if (keyword === 'type') {
    const expected = [params['type']].flat().map(text);
    return at('wrong-type', `${name} must be ${expectation(expected)}, found ${found}`, hintForType(expected, value));
  }
  if (keyword === 'enum') {
    const allowed = [params['allowedValues']].flat().map(text);
    const words = `${name} must be ${allowed.map((word) => `"${word}"`).join(' or ')}, found ${found}`;
    return at('invalid-value', words, typeof value === 'string' ? didYouMean(value, allowed) : undefined);
  }
  if (keyword === 'pattern') return at('invalid-value', `${name} does not have the form ${text(params['pattern'])}`);
  if (keyword === 'format')
    return at('invalid-value', `${name} must be a valid ${text(params['format'])}, found ${found}`);
  if (keyword === 'minItems' || keyword === 'minProperties') {
    const least = text(params['limit']);
    const what = keyword === 'minItems' ? (least === '1' ? 'item' : 'items') : least === '1' ? 'key' : 'keys';
    return at('invalid-value', `${name} must have at least ${least} ${what}`);
  }
  if (issue.alternatives.length > 0) return fromAlternatives(issue, at, name, found);
  return at('invalid-value', `${name} ${message}`);
}

function fromAlternatives(
  issue: SchemaIssue,
  at: (code: string, words: string, hint?: string) => Problem,
  name: string,
  found: string,
): Problem {
  const leaves = leavesOf(issue);
  const missing = leaves.filter(isRequired).map((leaf) => `"${text(leaf.params['missingProperty'])}"`);
  if (missing.length === leaves.length) return at('missing-key', `${name} needs ${[...new Set(missing)].join(' or ')}`);
  const here = leaves.filter((leaf) => describePath(leaf.path) === describePath(issue.path));
  const types = here
    .filter((leaf) => leaf.keyword === 'type')
    .flatMap((leaf) => [leaf.params['type']].flat().map(text));
  const values = here
    .filter((leaf) => leaf.keyword === 'enum')
    .flatMap((leaf) => [leaf.params['allowedValues']].flat().map((value) => `"${text(value)}"`));
  const expected = [...new Set([...types.map(describeExpected), ...values])].join(' or ');
  const words =
    expected === '' ? `${name} fits none of the forms it can have` : `${name} must be ${expected}, found ${found}`;
  return at('wrong-type', words, hintForType(types, issue.value));
}

function leavesOf(issue: SchemaIssue): readonly SchemaIssue[] {
  return issue.alternatives.length === 0
    ? [issue]
    : issue.alternatives.flatMap(({ issues }) => issues.flatMap((inner) => leavesOf(inner)));
}

function toDeprecation(issue: SchemaIssue, source: YamlSource): Problem {
  const since = text(issue.schema['deprecated_version']);
  const instead = text(issue.schema['deprecated_description'])
    .replaceAll(/\*\*|``/g, '')
    .trim();
  return {
    code: 'deprecated-key',
    message: `"${describePath(issue.path)}" is deprecated in cloud-init since ${since}`,
    ...(instead === '' ? {} : { hint: instead }),
    file: source.file,
    ...source.locate(issue.path, 'key'),
  };
}

/** The keys that a schema knows, without those that it would rather not see. */
function currentKeys(schema: JsonSchema): string[] {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.keys(properties).filter((key) => properties[key]?.['deprecated'] !== true);
}

function expectation(types: readonly string[]): string {
  return types.map(describeExpected).join(' or ');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}

/** allOf of cloud-init's many parts finds the same thing more than once. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const seen = new Map(problems.map((problem) => [`${problem.line}:${problem.column}:${problem.message}`, problem]));
  return [...seen.values()];
}
