/** A command that a script calls by a name that stands in it; `line` counts from 1. */
export type ShellCommand = { readonly name: string; readonly line: number };

/** What the shell does itself, whatever BusyBox was compiled with. */
const BUILTINS = new Set(
  '. : [ alias bg break cd command continue echo eval exec exit export false fg getopts hash jobs kill let local printf pwd read readonly return set shift source test times trap true type ulimit umask unalias unset wait'.split(
    ' ',
  ),
);

/** Words after which a command comes. */
const BEFORE_COMMANDS = new Set(['if', 'then', 'elif', 'else', 'while', 'until', 'do', '!', '{', 'exec', 'command']);
/** Words that end a command and are none. */
const CLOSING = new Set(['fi', 'done', 'esac', '}']);
const SEPARATORS = new Set(['\n', ';', '&', '|', '(', ')', ';;', '&&', '||']);

type Token = { readonly text: string; readonly line: number; readonly kind: 'word' | 'operator' | 'redirection' };

/**
 * The commands of a POSIX shell script that are neither the shell's own nor functions of the script, with those in
 * `$(…)`. Names that are made at run time and here documents are not seen.
 * @param functions names of functions from elsewhere
 */
export function shellCommands(script: string, functions: readonly string[] = []): readonly ShellCommand[] {
  const own = new Set([...functions, ...shellFunctions(script)]);
  return commandWords(tokens(script)).filter(({ name }) => !BUILTINS.has(name) && !own.has(name));
}

/** Names of the functions that a script defines. */
export function shellFunctions(script: string): readonly string[] {
  return [...script.matchAll(/^\s*(\w+)\(\)/gm)].map((match) => match[1] ?? '');
}

/** Goes through the words and keeps those in the place of a command. */
function commandWords(all: readonly Token[]): readonly ShellCommand[] {
  const found: ShellCommand[] = [];
  // command: the next word is one; word: it is an argument; pattern: of a case; target: of a redirection.
  let expected: 'command' | 'argument' | 'pattern' = 'command';
  let cases = 0;
  for (let at = 0; at < all.length; at += 1) {
    const { text, line, kind } = all[at] ?? { text: '', line: 0, kind: 'operator' };
    if (kind === 'redirection') at += 1;
    else if (expected === 'pattern') {
      if (text === 'esac') [expected, cases] = ['argument', cases - 1];
      else if (text === ')') expected = 'command';
    } else if (kind === 'operator') {
      expected = text === ';;' && cases > 0 ? 'pattern' : SEPARATORS.has(text) ? 'command' : expected;
    } else if (expected === 'command') {
      if (BEFORE_COMMANDS.has(text) || /^\w+=/.test(text)) continue;
      expected = 'argument';
      if (text === 'case') {
        while (all[at]?.text !== 'in' && at < all.length) at += 1;
        [expected, cases] = ['pattern', cases + 1];
      } else if (text === 'esac') cases -= 1;
      else if (text !== 'for' && !CLOSING.has(text) && /^[\w.\-/[:]+$/.test(text)) found.push({ name: text, line });
    }
  }
  return found;
}

/** Words, operators and redirections; a `$(…)` gives its own tokens before the word that it is part of. */
function tokens(script: string): readonly Token[] {
  const found: Token[] = [];
  let at = 0;
  let line = 1;
  const peek = (length = 1): string => script.slice(at, at + length);
  const step = (length = 1): string => {
    const text = peek(length);
    line += text.split('\n').length - 1;
    at += length;
    return text;
  };

  function word(): void {
    const begun = line;
    let text = '';
    while (at < script.length && !/[\s;&|()<>]/.test(peek())) {
      if (peek(2) === '\\\n') step(2);
      else if (peek() === '\\') text += step(2);
      else if (peek() === "'") text += quoted();
      else if (peek() === '"') text += doubleQuoted();
      else text += plainOrExpansion();
    }
    found.push({ text, line: begun, kind: 'word' });
  }

  function quoted(): string {
    const end = script.indexOf("'", at + 1);
    return step((end < 0 ? script.length : end + 1) - at);
  }

  function doubleQuoted(): string {
    let text = step();
    while (at < script.length && peek() !== '"') text += peek() === '\\' ? step(2) : plainOrExpansion();
    return text + step();
  }

  function plainOrExpansion(): string {
    if (peek(3) === '$((') return upTo('))');
    if (peek(2) === '${') return upTo('}');
    if (peek(2) !== '$(') return step();
    step(2);
    found.push({ text: '(', line, kind: 'operator' });
    until(')');
    found.push({ text: ')', line, kind: 'operator' });
    return '$';
  }

  function upTo(end: string): string {
    const found = script.indexOf(end, at);
    return step((found < 0 ? script.length : found + end.length) - at);
  }

  /** Up to the bracket that ends a `$(…)`, or to the end. Patterns of a case end in brackets too. */
  function until(end: ')' | undefined): void {
    let depth = 0;
    while (at < script.length) {
      const operator = /^(?:&&|\|\||;;|[;&|()\n])/.exec(peek(2))?.[0];
      if (operator === ')' && depth === 0 && end === ')') {
        step();
        return;
      }
      if (/^\d*[<>]/.test(script.slice(at, at + 3)) && !/\w$/.test(script.slice(0, at))) redirection();
      else if (operator !== undefined) {
        depth += operator === '(' ? 1 : operator === ')' ? -1 : 0;
        found.push({ text: operator, line, kind: 'operator' });
        step(operator.length);
      } else if (/\s/.test(peek())) step();
      else if (peek(2) === '\\\n') step(2);
      else if (peek() === '#') while (at < script.length && peek() !== '\n') step();
      else word();
    }
  }

  function redirection(): void {
    const text = /^\d*(?:>>|<<|>&|<&|>\||<>|[<>])/.exec(script.slice(at))?.[0] ?? '';
    found.push({ text, line, kind: 'redirection' });
    step(text.length);
  }

  until(undefined);
  return found;
}
