import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import ajvDraft04 from 'ajv-draft-04';
import ajvFormats from 'ajv-formats';
import type { Alternative, JsonSchema, SchemaIssue, SchemaValidator } from './schema-issue.js';
import { isDeprecation } from './schema-issue.js';

const OPTIONS: Options = {
  allErrors: true,
  verbose: true,
  // cloud-init's schemas hold words of its own (label, hidden, changed_version) and formats that ajv does not know.
  strict: false,
  logger: false,
  // The meta-schema would be compiled with our own anyOf; cloud-init's release tests have validated its schemas.
  meta: false,
  validateSchema: false,
  // Compiling is most of the time that a check takes: code that runs once need not be made short.
  code: { optimize: false },
};

/**
 * Makes a validator of one of cloud-init's schemas (draft-04 or draft-07, as `$schema` says). `deprecated: true` comes
 * out as an issue of its own that does not make a branch fail, as in cloud-init's validator.
 */
export function schemaValidator(schema: JsonSchema): SchemaValidator {
  const dialect = typeof schema['$schema'] === 'string' ? schema['$schema'] : '';
  const ajv = dialect.includes('draft-04') ? new ajvDraft04.default(OPTIONS) : new Ajv(OPTIONS);
  // Those that cloud-init checks on the device, too; for the others Python would need packages that Debian leaves out.
  ajvFormats.default(ajv, ['date']);
  const root = 'cloud-init:schema';
  const absolute = withAbsoluteReferences(schema, root) as JsonSchema;

  for (const keyword of ['allOf', 'anyOf', 'oneOf', 'deprecated']) ajv.removeKeyword(keyword);
  ajv.addKeyword({
    keyword: 'deprecated',
    schemaType: 'boolean',
    errors: true,
    // Only `deprecated: true` speaks; the error's own fields are filled in by ajv.
    validate: (deprecated: boolean) => !deprecated,
  });
  for (const keyword of ['anyOf', 'oneOf']) {
    ajv.addKeyword({
      keyword,
      schemaType: 'array',
      errors: true,
      compile: (branches: JsonSchema[]) => alternativesCheck(keyword, branches, (branch) => ajv.compile(branch)),
    });
  }
  ajv.addKeyword({
    keyword: 'allOf',
    schemaType: 'array',
    errors: true,
    compile: (parts: JsonSchema[]) => {
      const resolved = parts.map((part) => resolvedIn(absolute, root, part));
      return jointCheck(resolved, (part) => ajv.compile(part));
    },
  });
  ajv.addSchema(absolute, root);
  let validate: ValidateFunction | undefined;
  return (value) => {
    validate ??= ajv.compile({ $ref: `${root}#` });
    return validate(value) ? [] : toIssues(validate.errors);
  };
}

type KeywordCheck = { (value: unknown): boolean; errors?: Partial<ErrorObject>[] };
type Compile = (schema: JsonSchema) => ValidateFunction;

/** Schemas are compiled when they are first needed: references may go round in circles. */
function issuesBy(compile: Compile): (schema: JsonSchema, value: unknown) => readonly SchemaIssue[] {
  const compiled = new Map<JsonSchema, ValidateFunction>();
  return (schema, value) => {
    const validate = compiled.get(schema) ?? compile(schema);
    compiled.set(schema, validate);
    return validate(value) ? [] : toIssues(validate.errors);
  };
}

/**
 * cloud-init's schema is an `allOf` of some fifty modules, of which a file uses a few. Compiling the others would take
 * longer than everything else that a check does.
 */
function jointCheck(parts: readonly JsonSchema[], compile: Compile): KeywordCheck {
  const issuesOf = issuesBy(compile);
  const check: KeywordCheck = (value) => {
    const issues = parts.filter((part) => saysSomethingOf(part, value)).flatMap((part) => issuesOf(part, value));
    check.errors = issues.map((issue) => carry(issue));
    return issues.length === 0;
  };
  return check;
}

/** False for a schema that only describes properties of an object, where the object has none of them. */
function saysSomethingOf({ type = 'object', properties = {}, ...others }: JsonSchema, value: unknown): boolean {
  if (type !== 'object' || Object.keys(others).length > 0) return true;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return true;
  return Object.keys(properties as JsonSchema).some((name) => Object.hasOwn(value, name));
}

/** A schema that is only a reference into `whole`, followed. */
function resolvedIn(whole: JsonSchema, root: string, schema: JsonSchema): JsonSchema {
  const reference = schema['$ref'];
  const definition = /^#\/\$defs\/(\w+)$/.exec(typeof reference === 'string' ? reference.slice(root.length) : '')?.[1];
  const definitions = whole['$defs'] as Readonly<Record<string, JsonSchema>> | undefined;
  return definitions?.[definition ?? ''] ?? schema;
}

function alternativesCheck(keyword: string, branches: readonly JsonSchema[], compile: Compile): KeywordCheck {
  const issuesOf = issuesBy(compile);
  const check: KeywordCheck = (value) => {
    const alternatives = branches.map((schema) => ({ schema, issues: issuesOf(schema, value) }));
    const fitting = alternatives.find(({ issues }) => issues.every(isDeprecation));
    const clean = alternatives.filter(({ issues }) => issues.length === 0);
    if (fitting !== undefined && (keyword === 'anyOf' || clean.length <= 1)) {
      check.errors = fitting.issues.map((issue) => carry(issue));
      return fitting.issues.length === 0;
    }
    const message =
      fitting === undefined ? 'fits none of the forms it can have' : 'fits several forms of which it can have one only';
    check.errors = [{ keyword, message, params: { [ALTERNATIVES]: fitting === undefined ? alternatives : [] } }];
    return false;
  };
  return check;
}

const ALTERNATIVES = 'alternatives';
const CARRIED = 'carried';

/** An issue that was found inside a branch, handed up through ajv as an error. */
function carry(issue: SchemaIssue): Partial<ErrorObject> {
  return { keyword: issue.keyword, message: issue.message, params: { [CARRIED]: issue } };
}

function toIssues(errors: readonly ErrorObject[] | null | undefined): readonly SchemaIssue[] {
  return (errors ?? []).map((error) => {
    const params = error.params as Readonly<Record<string, unknown>>;
    const base = pathOf(error.instancePath);
    const carried = params[CARRIED] as SchemaIssue | undefined;
    if (carried !== undefined) return { ...carried, path: [...base, ...carried.path] };
    const alternatives = (params[ALTERNATIVES] as readonly Alternative[] | undefined) ?? [];
    return {
      path: base,
      keyword: error.keyword,
      params,
      message: error.message ?? '',
      value: error.data,
      schema: error.parentSchema ?? {},
      alternatives: alternatives.map(({ schema, issues }) => ({
        schema,
        issues: issues.map((issue) => below(issue, base)),
      })),
    };
  });
}

function below(issue: SchemaIssue, base: SchemaIssue['path']): SchemaIssue {
  const alternatives = issue.alternatives.map(({ schema, issues }) => ({
    schema,
    issues: issues.map((inner) => below(inner, base)),
  }));
  return { ...issue, path: [...base, ...issue.path], alternatives };
}

/** Ajv gives a JSON pointer; a segment of digits is taken as the index of a list. */
function pathOf(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((segment) => (/^\d+$/.test(segment) ? Number(segment) : segment));
}

/** `#/$defs/x` as seen from the whole schema, so that each branch can be compiled on its own. */
function withAbsoluteReferences(schema: unknown, root: string): unknown {
  if (Array.isArray(schema)) return schema.map((item: unknown) => withAbsoluteReferences(item, root));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]: [string, unknown]) =>
      key === '$ref' && typeof value === 'string' && value.startsWith('#')
        ? [key, `${root}${value}`]
        : [key, withAbsoluteReferences(value, root)],
    ),
  );
}
