import type { YamlSource } from '../../config/yaml-source.js';
import { positionFinder } from '../../config/yaml-source.js';
import { mappingsBelow } from '../../config/yaml-nodes.js';
import type { Problem } from '../../errors.js';
import { readPlainScalar, type PlainScalar } from './pyyaml-scalars.js';

const SHOWN: Readonly<Record<PlainScalar['kind'], string>> = {
  text: 'text',
  null: 'nothing',
  bool: 'a truth value',
  int: 'a number',
  float: 'a number',
  date: 'a date',
  fault: 'an error',
};

/** A key that is no text to Python: `On:`, `0123:`, `12:34:`. */
export type OddKey = { readonly problem: Problem; readonly isChanged: boolean };

/**
 * Keys that are no text to PyYAML. `isChanged` are those that come out as another text when cloud-init writes them
 * down for netplan. Code `yaml-key-not-text`.
 */
export function keysThatAreNoText({ root, text, file }: YamlSource): OddKey[] {
  if (root === undefined) return [];
  const position = positionFinder(text);
  return [...mappingsBelow(root)].flatMap(({ pairs }) =>
    pairs.flatMap(({ key }): OddKey[] => {
      const read = key.style === 'plain' ? readPlainScalar(key.text) : undefined;
      if (read === undefined || read.kind === 'text' || read.kind === 'fault') return [];
      const isChanged = read.deviceText !== key.text;
      const becomes = isChanged ? `: on the device it is "${read.deviceText}"` : '';
      const message = `the key ${key.text} is ${SHOWN[read.kind]} to cloud-init, not text${becomes}`;
      const hint = `Write it in quotes: "${key.text}".`;
      return [{ problem: { code: 'yaml-key-not-text', message, hint, file, ...position(key.start) }, isChanged }];
    }),
  );
}
