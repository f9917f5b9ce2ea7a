/** What one entry of a Kconfig file says of an option, as far as it explains why the option is off. */
export type KconfigEntry = {
  /** Without CONFIG_. */
  readonly name: string;
  /** Conditions, each of which must hold: `depends on`, and the `if` and `menu` blocks around it. */
  readonly conditions: readonly string[];
  /** A person can set it; false: only other options set it. */
  readonly hasPrompt: boolean;
  readonly file: string;
};

/** A file that another one includes, and the conditions that its place there puts on all that it holds. */
export type KconfigSource = { readonly file: string; readonly conditions: readonly string[] };

/** What one Kconfig file says: of options, and which files it includes. */
export type KconfigFile = { readonly entries: readonly KconfigEntry[]; readonly sources: readonly KconfigSource[] };

type Block = { readonly kind: 'if' | 'menu' | 'choice'; readonly conditions: string[] };

/** Reads one Kconfig file (Documentation/kbuild/kconfig-language.rst). Help texts are not read. */
export function parseKconfig(text: string, file: string): KconfigFile {
  const entries: { name: string; conditions: string[]; hasPrompt: boolean; around: readonly Block[] }[] = [];
  const sources: { file: string; around: readonly Block[] }[] = [];
  const blocks: Block[] = [];
  let into: string[] | undefined;
  let helpIndent: number | undefined;
  for (const line of text.replaceAll(/\\\n\s*/g, ' ').split('\n')) {
    const words = line.trim();
    const indent = line.replaceAll('\t', '        ').search(/\S/);
    if (words === '') continue;
    if (helpIndent !== undefined && indent >= Math.max(helpIndent, 1)) continue;
    helpIndent = undefined;
    const [, keyword = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(words) ?? [];
    switch (keyword) {
      case 'config':
      case 'menuconfig': {
        const entry = { name: rest, conditions: [], hasPrompt: false, around: [...blocks] };
        entries.push(entry);
        into = entry.conditions;
        break;
      }
      case 'if':
        blocks.push({ kind: 'if', conditions: [rest] });
        break;
      case 'menu':
      case 'choice': {
        const block: Block = { kind: keyword, conditions: [] };
        blocks.push(block);
        into = block.conditions;
        break;
      }
      case 'endif':
      case 'endmenu':
      case 'endchoice':
        blocks.pop();
        into = undefined;
        break;
      case 'source':
        sources.push({ file: rest.replaceAll('"', ''), around: [...blocks] });
        break;
      case 'depends':
        into?.push(rest.replace(/^on\s+/, ''));
        break;
      case 'bool':
      case 'tristate':
      case 'int':
      case 'hex':
      case 'string':
      case 'prompt': {
        const entry = entries.at(-1);
        if (entry !== undefined && into === entry.conditions && rest.startsWith('"')) entry.hasPrompt = true;
        break;
      }
      case 'help':
      case '---help---':
        helpIndent = indent;
        break;
      case 'comment':
        into = undefined;
        break;
    }
    // Help begins at the indentation of its first line, which is deeper than the keyword's.
    if (helpIndent !== undefined) helpIndent = indent + 1;
  }
  return {
    entries: entries.map(({ name, conditions, hasPrompt, around }) => ({
      name,
      hasPrompt,
      file,
      conditions: [...conditionsOf(around), ...conditions],
    })),
    sources: sources.map((one) => ({ file: one.file, conditions: conditionsOf(one.around) })),
  };
}

function conditionsOf(blocks: readonly Block[]): readonly string[] {
  return blocks.flatMap(({ conditions }) => conditions);
}

/**
 * All entries of an option, each with the conditions of the files that include its file.
 *
 * @param files by their path below the sources
 */
export function entriesOf(name: string, files: ReadonlyMap<string, KconfigFile>): readonly KconfigEntry[] {
  return [...files.values()]
    .flatMap(({ entries }) => entries.filter((entry) => entry.name === name))
    .map((entry) => ({ ...entry, conditions: [...includedUnder(entry.file, files), ...entry.conditions] }));
}

/** The conditions on a whole file: those of the place that includes it, and of that file in turn. */
function includedUnder(
  file: string,
  files: ReadonlyMap<string, KconfigFile>,
  below: readonly string[] = [],
): readonly string[] {
  for (const [includer, { sources }] of files) {
    const source = sources.find((one) => one.file === file);
    // A file that includes itself, over others or not, is no kernel's; it must not keep us for ever.
    if (source === undefined || below.includes(includer)) continue;
    return [...includedUnder(includer, files, [...below, file]), ...source.conditions];
  }
  return [];
}

/**
 * Why Kconfig did not keep an option, in one sentence for a person.
 *
 * @param entries of this option, from all Kconfig files
 * @param valueOf a resolved option's value, `n` where it is off
 * @param what is configured
 */
export function explainLoss(
  name: string,
  entries: readonly KconfigEntry[],
  valueOf: (name: string) => string,
  what = 'kernel',
): string {
  const [first] = entries;
  if (first === undefined) return `This ${what} has no option ${name}.`;
  const unmet = entries.map((entry) => entry.conditions.filter((condition) => !holds(condition, valueOf)));
  const fewest = unmet.reduce((best, one) => (one.length < best.length ? one : best));
  if (fewest.length > 0) {
    const because = fewest.map((condition) => `${condition} (${currentValues(condition, valueOf)})`).join(' and ');
    return `It depends on ${because}; see ${first.file}.`;
  }
  if (entries.every((entry) => !entry.hasPrompt)) {
    return `It has no prompt: other options select it; see ${first.file}.`;
  }
  return `What it depends on holds; another option of the same choice, or one that it needs to be =y, has another value; see ${first.file}.`;
}

/** The options in an expression and what they are now. */
function currentValues(condition: string, valueOf: (name: string) => string): string {
  const names = [...new Set(condition.replaceAll(/"[^"]*"/g, '').match(/\b[A-Z][A-Z0-9_]*\b/g) ?? [])];
  return names.map((name) => `${name}=${valueOf(name)}`).join(', ');
}

/** Whether a condition is at least `m`. Comparisons and macros count as holding: they are no answer for a person. */
function holds(condition: string, valueOf: (name: string) => string): boolean {
  const tokens = condition.match(/"[^"]*"|\$\([^)]*\)|[A-Za-z0-9_]+|&&|\|\||!=|[=<>!()]=?/g) ?? [];
  let at = 0;
  const or = (): boolean => {
    let value = and();
    while (tokens[at] === '||') {
      at += 1;
      value = and() || value;
    }
    return value;
  };
  const and = (): boolean => {
    let value = not();
    while (tokens[at] === '&&') {
      at += 1;
      value = not() && value;
    }
    return value;
  };
  const not = (): boolean => {
    const token = tokens[at] ?? '';
    at += 1;
    if (token === '!') return !not();
    if (token === '(') {
      const value = or();
      at += 1;
      return value;
    }
    const operator = tokens[at] ?? '';
    if (/^(=|!=|[<>]=?)$/.test(operator)) {
      const right = tokens[at + 1] ?? '';
      at += 2;
      if (operator === '=') return value(token) === value(right);
      if (operator === '!=') return value(token) !== value(right);
      return true;
    }
    return token.startsWith('$') || value(token) !== 'n';
  };
  const value = (token: string): string => {
    if (token.startsWith('"')) return token;
    if (/^[A-Z]\w*$/.test(token)) return valueOf(token);
    return token;
  };
  return or();
}
