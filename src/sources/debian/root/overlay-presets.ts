import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Problem } from '../../../errors.js';

/** Units of the system, or of each user's own manager. */
export type PresetScope = 'system' | 'user';

/** One line of a systemd.preset(5) file. `pattern` may hold the wildcards of a shell. */
export type PresetRule = {
  readonly scope: PresetScope;
  /** Name of the file: all are read in the order of their names. */
  readonly file: string;
  readonly verb: 'enable' | 'disable' | 'ignore';
  readonly pattern: string;
};

/** Where systemd looks for presets; of two files of one name the first folder's counts. */
const FOLDERS: Readonly<Record<PresetScope, readonly string[]>> = {
  system: ['etc/systemd/system-preset', 'usr/local/lib/systemd/system-preset', 'usr/lib/systemd/system-preset'],
  user: ['etc/systemd/user-preset', 'usr/local/lib/systemd/user-preset', 'usr/lib/systemd/user-preset'],
};

/**
 * Presets that overlays bring: their rules concern units that the packages or layers have enabled or not by then.
 * A file that takes the place of a layer's concerns what that one named, too. Code: `overlay-preset-late` for a rule
 * that an earlier file overrules.
 * @param layers folders that are copied before the overlays
 */
export async function readOverlayPresets(
  layers: readonly string[],
  overlays: readonly string[],
): Promise<{ readonly rules: readonly PresetRule[]; readonly problems: readonly Problem[] }> {
  const ofLayers = await readPresets(layers);
  const ofOverlays = await readPresets(overlays);
  const isReplaced = ({ scope, file }: PresetRule): boolean =>
    ofOverlays.some((one) => one.scope === scope && one.file === file);
  const replaced = ofLayers.filter(isReplaced);
  const kept = ofLayers.filter((rule) => !isReplaced(rule));
  return { rules: [...ofOverlays, ...replaced], problems: ofOverlays.flatMap((rule) => overruled(rule, kept)) };
}

/** Rules of all files in these folders; a file of a later folder takes the place of an earlier one's of the same name. */
async function readPresets(folders: readonly string[]): Promise<readonly PresetRule[]> {
  const files = new Map<string, readonly PresetRule[]>();
  for (const [scope, places] of Object.entries(FOLDERS) as [PresetScope, readonly string[]][]) {
    for (const place of places.toReversed()) {
      for (const folder of folders) {
        const names = (await readdir(join(folder, place)).catch(() => [])).filter((name) => name.endsWith('.preset'));
        for (const name of names) {
          files.set(`${scope} ${name}`, presetRules(await readFile(join(folder, place, name), 'utf8'), scope, name));
        }
      }
    }
  }
  return [...files.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, rules]) => rules);
}

/** Instances behind a template's name ("foo@.service a b") are systemd's business. */
export function presetRules(text: string, scope: PresetScope, file: string): readonly PresetRule[] {
  const lines = text.matchAll(/^[ \t]*(?<verb>enable|disable|ignore)[ \t]+(?<pattern>\S+)/gm);
  return [...lines].map(({ groups }) => ({
    scope,
    file,
    verb: groups?.['verb'] as PresetRule['verb'],
    pattern: groups?.['pattern'] ?? '',
  }));
}

/** The first rule that fits a unit decides, and files are read in the order of their names. */
function overruled(rule: PresetRule, others: readonly PresetRule[]): Problem[] {
  const first = others.find(
    ({ scope, file, pattern }) => scope === rule.scope && file < rule.file && unitPattern(pattern).test(rule.pattern),
  );
  if (first === undefined || first.verb === rule.verb) return [];
  const { file, verb, pattern } = rule;
  const message = `"${verb} ${pattern}" of the overlay's ${file} has no effect: ${first.file} says "${first.verb} ${first.pattern}" and is read first`;
  return [{ code: 'overlay-preset-late', message, hint: `Call the file 10-${file.replace(/^\d+-/, '')}.` }];
}

/** As fnmatch(3) with FNM_NOESCAPE has it. */
export function unitPattern(pattern: string): RegExp {
  const parts = pattern.match(/\[!?[^\]]+\]|[\s\S]/g) ?? [];
  const source = parts.map((part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`);
}

/** What `unitsOf` found: units to preset, and names in rules that are none. */
export type PresetUnits = {
  readonly units: readonly string[];
  /** Plain names without a unit of their own: not installed, or another name of one. */
  readonly unknown: readonly string[];
};

/** Units below a root that rules of one scope are about. Links are left out: another unit's name, or a masked one. */
export async function presetUnits(
  root: string,
  rules: readonly PresetRule[],
  scope: PresetScope,
): Promise<PresetUnits> {
  const present = await unitFiles(root, scope);
  const patterns = [...new Set(rules.filter((rule) => rule.scope === scope).map(({ pattern }) => pattern))];
  const units = new Set<string>();
  const unknown: string[] = [];
  for (const pattern of patterns) {
    const isPlain = !/[*?[]/.test(pattern);
    const matches = isPlain
      ? [pattern].filter((name) => present.has(name) || present.has(templateOf(name)))
      : [...present].filter((name) => unitPattern(pattern).test(name));
    if (matches.length === 0 && isPlain) unknown.push(pattern);
    for (const name of matches) units.add(name);
  }
  return { units: [...units].sort(), unknown };
}

const templateOf = (name: string): string => name.replace(/@[^.]+(?=\.)/, '@');

async function unitFiles(root: string, scope: PresetScope): Promise<ReadonlySet<string>> {
  const folders = ['etc/systemd', 'usr/local/lib/systemd', 'usr/lib/systemd'].map((folder) => `${folder}/${scope}`);
  const links = new Set<string>();
  const files = new Set<string>();
  for (const folder of folders) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const name = basename(entry.name);
      if (entry.isSymbolicLink()) links.add(name);
      if (entry.isFile() && /\.(?:service|socket|timer|path|mount|automount|swap|target|slice)$/.test(name))
        files.add(name);
    }
  }
  for (const name of links) files.delete(name);
  return files;
}
