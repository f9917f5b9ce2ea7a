import type { Problem } from '../../errors.js';
import type { ConfigRequest, FragmentFile, FragmentKind, MergedFragments } from '../kernel/fragments.js';
import { mergeFragments } from '../kernel/fragments.js';

/** What BusyBox is asked for. */
export type BusyboxOptions = {
  /** Of the layer. */
  readonly base: readonly FragmentFile[];
  /** Of the user: where they say something else than the layer, they win. */
  readonly own: readonly FragmentFile[];
};

export const BUSYBOX: FragmentKind = {
  what: 'BusyBox',
  syntax: { code: 'busybox-fragment-syntax' },
  conflict: { code: 'busybox-fragment-conflict' },
  lost: { code: 'busybox-option-lost' },
};

/** Options that make it the program that the system needs, and why. */
const FIXED: Readonly<Record<string, string>> = {
  CONFIG_STATIC: 'the system has no libraries',
  CONFIG_BUSYBOX: 'the links of its applets lead to it',
  CONFIG_INIT: 'it is the first program',
  CONFIG_ASH: 'the scripts of the system need it',
  CONFIG_SH_IS_ASH: 'the scripts of the system need it',
};

/** Both as one. Problems: `busybox-fragment-syntax`, `busybox-fragment-conflict`, `busybox-option-fixed`. */
export function mergeOptions({ base, own }: BusyboxOptions): MergedFragments {
  const [first, second] = [mergeFragments(base, BUSYBOX), mergeFragments(own, BUSYBOX)];
  const byName = new Map([...first.requests, ...second.requests].map((request) => [request.name, request]));
  return {
    requests: [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    problems: [...first.problems, ...second.problems, ...second.requests.flatMap(fixedOptions)],
  };
}

function fixedOptions({ name, value, file, line }: ConfigRequest): readonly Problem[] {
  const why = FIXED[name];
  if (why === undefined || value === 'y') return [];
  const message = `${name}=${value}: a tiny system cannot do without it, because ${why}`;
  return [{ code: 'busybox-option-fixed', message, hint: 'Take the line out.', file, line }];
}

/**
 * A whole configuration: what is asked for, and every other option off. BusyBox's Kconfig asks for what is missing, and
 * most of its defaults are "y"; numbers and texts that nobody asks for keep their defaults.
 * @param known names of all options that are on or off, without CONFIG_
 */
export function answers(requests: readonly ConfigRequest[], known: readonly string[]): string {
  const asked = new Set(requests.map(({ name }) => name));
  const off = known.map((name) => `CONFIG_${name}`).filter((name) => !asked.has(name));
  return [
    ...requests.map(({ name, value }) => (value === 'n' ? `# ${name} is not set\n` : `${name}=${value}\n`)),
    ...off.map((name) => `# ${name} is not set\n`),
  ].join('');
}

const OPTION = /^config (?<name>\w+)\n(?:[ \t]*(?:#.*)?\n)*[ \t]+(?<type>bool|int|hex|string|tristate)\b/gm;

/** Names of the options in a Config.in that are on or off. */
export function switches(text: string): readonly string[] {
  return [...text.matchAll(OPTION)].flatMap(({ groups }) =>
    groups?.['type'] === 'bool' || groups?.['type'] === 'tristate' ? [groups['name'] ?? ''] : [],
  );
}

/** busybox.links: an absolute path a line, sorted. */
export function parseLinks(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('/'))
    .toSorted();
}
