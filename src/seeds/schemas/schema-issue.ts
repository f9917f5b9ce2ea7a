/** A JSON schema of cloud-init, as parsed from its file. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * One thing that a JSON schema has against a value. `alternatives` holds what each branch of an `anyOf` or `oneOf`
 * has against it; ajv itself throws the branches' errors into one flat list, from which nobody can tell any more
 * which belong together.
 */
export type SchemaIssue = {
  readonly path: readonly (string | number)[];
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message: string;
  readonly value: unknown;
  /** The schema that has the keyword. */
  readonly schema: JsonSchema;
  readonly alternatives: readonly Alternative[];
};

export type Alternative = { readonly schema: JsonSchema; readonly issues: readonly SchemaIssue[] };

export type SchemaValidator = (value: unknown) => readonly SchemaIssue[];

export function isDeprecation(issue: SchemaIssue): boolean {
  return issue.keyword === 'deprecated';
}
