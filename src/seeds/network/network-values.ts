import type { Path, YamlSource } from '../../config/yaml-source.js';
import type { YamlNode } from '../../config/yaml-nodes.js';
import { describePath } from '../../config/wording.js';
import type { Findings } from '../text/findings.js';
import { foundAt } from './netplan-devices.js';
import { readPlainScalar } from '../yaml/pyyaml-scalars.js';
import { isSecretPath } from '../text/secrets.js';

/** Here every character counts, and a number that is written otherwise is another value. */
const TEXTS =
  /^(password|.*identity|.*password|.*certificate|client-key|macaddress|bssid|hostname|name|set-name|pin|apn|username)$/;

/**
 * Values that are numbers, dates or truth values to cloud-init and come to netplan as another text than was written:
 * `password: 01234567` arrives as 342391. Code `yaml-value-changed`: a problem where text was meant, a warning elsewhere.
 */
export function changedValues(source: YamlSource): Findings {
  if (source.root === undefined) return { problems: [], warnings: [] };
  const changes = [...plainScalars(source.root, [])].flatMap(({ path, text }) => {
    const read = readPlainScalar(text);
    if (read.kind === 'text' || read.kind === 'fault' || read.deviceText === text) return [];
    const isText = TEXTS.test(String(path.at(-1)));
    // yes and true, ~ and null: where netplan wants those, they say the same.
    if (!isText && (read.kind === 'bool' || read.kind === 'null')) return [];
    const values = isSecretPath(path) ? 'another text' : `"${read.deviceText}" instead of "${text}"`;
    const message = `"${describePath(path)}" is no text to cloud-init: on the device it is ${values}`;
    return [{ isText, problem: foundAt(source, path, 'yaml-value-changed', message, 'Write it in quotes.') }];
  });
  return {
    problems: changes.filter(({ isText }) => isText).map(({ problem }) => problem),
    warnings: changes.filter(({ isText }) => !isText).map(({ problem }) => problem),
  };
}

function* plainScalars(node: YamlNode, path: Path): Generator<{ readonly path: Path; readonly text: string }> {
  if (node.kind === 'scalar' && node.style === 'plain') yield { path, text: node.text };
  if (node.kind === 'sequence')
    for (const [index, item] of node.items.entries()) yield* plainScalars(item, [...path, index]);
  if (node.kind === 'mapping') {
    for (const { key, value } of node.pairs) yield* plainScalars(value, [...path, key.text]);
  }
}
