import { dirname, relative, resolve } from 'node:path';

/** What a new file writes after `extends:`: a name as it is, a path that was typed in `cwd` as it is found from the file. */
export function extendsText(typed: string, file: string, cwd: string): string {
  if (!/[/\\]|\.ya?ml$/.test(typed)) return typed;
  const path = relative(dirname(file), resolve(cwd, typed));
  return path.startsWith('.') ? path : `./${path}`;
}
