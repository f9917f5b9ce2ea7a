import type { Problem } from '../../errors.js';

/** Texts that depmod wrote, by the names of their files. */
export type ModuleLists = {
  /** modules.dep: `PATH: PATH…`, all that a module needs, what is loaded first last. */
  readonly dep: string;
  /** modules.builtin: paths of what is in the kernel itself. */
  readonly builtin: string;
  /** modules.softdep: `softdep NAME pre: NAMES… post: NAMES…`. */
  readonly softdep: string;
  /** modules.alias: `alias PATTERN NAME`. */
  readonly alias: string;
};

/** Modules in the order in which they are loaded: paths below `lib/modules/RELEASE`. */
export type ModuleClosure = { readonly paths: readonly string[]; readonly problems: readonly Problem[] };

/**
 * Named modules with all that they need, and with what they would like to have loaded before or after them. What is in
 * the kernel itself takes no place. Code: `kernel-module-missing`.
 */
export function moduleClosure(names: readonly string[], lists: ModuleLists): ModuleClosure {
  const known = readLists(lists);
  const paths = new Set<string>();
  const problems: Problem[] = [];
  const entered = new Set<string>();
  /** @returns whether the kernel has it */
  const enter = (name: string): boolean => {
    const path = known.pathOf.get(name);
    if (path === undefined) {
      const behind = known.aliases.get(name) ?? [];
      const found = behind.filter((one) => one !== name && enter(one));
      return known.builtin.has(name) || found.length > 0;
    }
    if (entered.has(name)) return true;
    entered.add(name);
    for (const need of (known.needs.get(path) ?? []).toReversed()) enter(moduleName(need));
    const soft = known.soft.get(name);
    for (const one of soft?.pre ?? []) enter(one);
    paths.add(path);
    for (const one of soft?.post ?? []) enter(one);
    return true;
  };
  for (const name of names) if (!enter(sameName(name))) problems.push(missing(name));
  return { paths: [...paths], problems };
}

function missing(name: string): Problem {
  return {
    code: 'kernel-module-missing',
    message: `the kernel has no module ${name}, neither as a file nor built in; the root cannot be mounted without it`,
    hint: 'Take another kernel (kernel.source), or add its option in a fragment of kernel.fragments.',
  };
}

/** `kernel/fs/ext4/ext4.ko.xz` → `ext4`; hyphens and underscores are the same to the kernel. */
export function moduleName(path: string): string {
  return sameName(path.slice(path.lastIndexOf('/') + 1).replace(/\.ko(?:\.\w+)?$/, ''));
}

function sameName(name: string): string {
  return name.replaceAll('-', '_');
}

function readLists({ dep, builtin, softdep, alias }: ModuleLists) {
  const needs = new Map<string, readonly string[]>();
  for (const line of lines(dep)) {
    const [path = '', rest = ''] = line.split(':');
    needs.set(path, words(rest));
  }
  const aliases = new Map<string, string[]>();
  for (const line of lines(alias)) {
    const [, pattern = '', name = ''] = words(line);
    const key = sameName(pattern);
    aliases.set(key, [...(aliases.get(key) ?? []), sameName(name)]);
  }
  const soft = new Map<string, { pre: string[]; post: string[] }>();
  for (const line of lines(softdep)) {
    const [, name = '', ...rest] = words(line);
    const both = soft.get(sameName(name)) ?? { pre: [], post: [] };
    let list = both.pre;
    for (const word of rest) {
      if (word === 'pre:') list = both.pre;
      else if (word === 'post:') list = both.post;
      else list.push(sameName(word));
    }
    soft.set(sameName(name), both);
  }
  return {
    pathOf: new Map([...needs.keys()].map((path) => [moduleName(path), path])),
    needs,
    aliases,
    soft,
    builtin: new Set(lines(builtin).map(moduleName)),
  };
}

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
