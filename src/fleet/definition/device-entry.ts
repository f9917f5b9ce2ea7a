import type { Problem } from '../../errors.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';

/** What a list says of one device, before anybody looked at its meaning. */
export type DeviceEntry = {
  readonly value: unknown;
  /** Paths in `value`; places are those in the list. */
  readonly source: YamlSource;
  /** In a table, its row as spreadsheets count; messages name it. */
  readonly row?: number;
};

export type DeviceEntries = { readonly entries: readonly DeviceEntry[]; readonly problems: readonly Problem[] };

/** The part of a source below a path, as if it were the whole. */
export function below(source: YamlSource, base: Path, value: unknown): YamlSource {
  return { ...source, value, locate: (path, part) => source.locate([...base, ...path], part) };
}
