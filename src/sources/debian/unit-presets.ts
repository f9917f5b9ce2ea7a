/** Units that a systemd.preset(5) file names, without its patterns. */
export type UnitPresets = { readonly enable: readonly string[]; readonly disable: readonly string[] };

export function unitPresets(preset: string): UnitPresets {
  const rules = [...preset.matchAll(/^\s*(?<verb>enable|disable)\s+(?<unit>[^\s*?[]+)\s*$/gm)];
  const of = (verb: string) => rules.flatMap(({ groups }) => (groups?.['verb'] === verb ? [groups['unit'] ?? ''] : []));
  return { enable: of('enable'), disable: of('disable') };
}
