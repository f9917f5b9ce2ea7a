/** A program call as a value: nothing runs until a Host runs it, so plans can be printed and tested. */
export type Command = {
  readonly file: string;
  readonly args: readonly string[];
  readonly stdin?: string;
  /** Added to the small environment that every program gets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
};

/** For people only (plans, logs): quoted as a POSIX shell would need it. */
export function formatCommand(command: Command): string {
  return [command.file, ...command.args].map(quote).join(' ');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
