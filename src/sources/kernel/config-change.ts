import type { ConfigRequest } from './fragments.js';

/** One option that somebody set differently. */
export type ConfigChange = { readonly name: string; readonly before: string; readonly after: string };

/**
 * What is different between two resolved configurations, as far as a person can have asked for it: options without a
 * prompt follow from others.
 */
export function configChanges(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  hasPrompt: (name: string) => boolean,
): readonly ConfigChange[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, before: before.get(name) ?? 'n', after: after.get(name) ?? 'n' }))
    .filter((change) => change.before !== change.after && hasPrompt(change.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The requests that a change contradicts: the fragments that hold them have to give way. */
export function contradicted(
  changes: readonly ConfigChange[],
  requests: readonly ConfigRequest[],
): readonly ConfigRequest[] {
  const after = new Map(changes.map((change) => [change.name, change.after]));
  return requests.filter(({ name, value }) => (after.get(name) ?? value) !== value);
}

/** The changes as a fragment. */
export function formatFragment(changes: readonly ConfigChange[], title: string): string {
  const lines = changes.map(({ name, after }) => (after === 'n' ? `# ${name} is not set` : `${name}=${after}`));
  return `# ${title}\n${lines.map((line) => `${line}\n`).join('')}`;
}
