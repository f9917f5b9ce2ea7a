import { EVENT_ID } from 'js-yaml';
import { positionFinder, type YamlSource } from '../../config/yaml-source.js';
import { mappingsBelow, type YamlNode } from '../../config/yaml-nodes.js';
import type { Problem } from '../../errors.js';
import { pyyamlEvents } from './pyyaml-events.js';
import { readPlainScalar } from './pyyaml-scalars.js';

const STRAY = /[\t\u0085\u2028\u2029]/;
const LOST = 'PyYAML, which reads this on the device, fails at it, and the whole file is ignored';

/**
 * What is YAML to other readers and an error to the PyYAML of the device: it then takes nothing of the file.
 * Codes `yaml-value`, `yaml-tab`, `yaml-line-end`, `yaml-anchor`.
 */
export function pyyamlRefusals({ root, text, file }: YamlSource): Problem[] {
  if (root === undefined) return [];
  const position = positionFinder(text);
  const at = (offset: number, code: string, message: string, hint: string): Problem => ({
    code,
    message: `${message}; ${LOST}`,
    hint,
    file,
    ...position(offset),
  });
  const nodes = [...scalarsBelow(root)];
  return [
    ...nodes.flatMap(({ node, isKey }) => {
      const read = node.style === 'plain' ? readPlainScalar(node.text) : undefined;
      if (read?.kind !== 'fault' || (isKey && /^(?:=|<<)$/.test(node.text))) return [];
      return [at(node.start, 'yaml-value', read.reason, `Quote it: "${node.text}".`)];
    }),
    ...keysNotWritten(root).map((offset) =>
      at(offset, 'yaml-value', 'there is no key in front of this colon', 'Write one, or remove the colon.'),
    ),
    ...strays(
      text,
      nodes.map(({ node }) => node),
    ).map((offset) =>
      text[offset] === '\t'
        ? at(
            offset,
            'yaml-tab',
            'a tab stands between words',
            'Replace it by a space, or quote the text that holds it.',
          )
        : at(offset, 'yaml-line-end', 'an invisible line end of Unicode stands here', 'Remove it, or quote the text.'),
    ),
    ...anchors(text).map(({ offset, fault }) =>
      at(offset, 'yaml-anchor', fault, 'Give each anchor a name of its own, of the letters a to z, digits, - and _.'),
    ),
  ];
}

type Scalar = Extract<YamlNode, { kind: 'scalar' }>;

function* scalarsBelow(node: YamlNode, isKey = false): Generator<{ readonly node: Scalar; readonly isKey: boolean }> {
  if (node.kind === 'scalar') yield { node, isKey };
  if (node.kind === 'sequence') for (const item of node.items) yield* scalarsBelow(item);
  if (node.kind === 'mapping') {
    for (const { key, value } of node.pairs) {
      yield* scalarsBelow(key, true);
      yield* scalarsBelow(value);
    }
  }
}

function keysNotWritten(root: YamlNode): number[] {
  return [...mappingsBelow(root)].flatMap((mapping) =>
    mapping.pairs.flatMap(({ key, value }) =>
      key.style === 'absent' ? [value.start < 0 ? mapping.start : value.start] : [],
    ),
  );
}

/** Offsets of tabs and of Unicode's line ends outside quotes, block scalars and comments; the first of each line. */
function strays(text: string, scalars: readonly Scalar[]): number[] {
  if (!STRAY.test(text)) return [];
  const kept = scalars
    .filter(({ style }) => style !== 'plain' && style !== 'absent')
    .map(({ style, start, end }) => ({
      start,
      // Lines of spaces and tabs at the end of a block scalar belong to it.
      end: style.endsWith('quoted') ? end : end + (/^(?:\r?\n +[ \t]*)*/.exec(text.slice(end))?.[0].length ?? 0),
    }));
  const isKept = (offset: number): boolean => kept.some(({ start, end }) => start <= offset && offset < end);
  const found: number[] = [];
  for (let lineStart = 0; lineStart < text.length;) {
    const lineEnd = text.indexOf('\n', lineStart) < 0 ? text.length : text.indexOf('\n', lineStart);
    for (let offset = lineStart; offset < lineEnd; offset += 1) {
      if (isKept(offset)) continue;
      if (text[offset] === '#' && (offset === lineStart || /[ \t]/.test(text[offset - 1] ?? ''))) break;
      if (!STRAY.test(text[offset] ?? '')) continue;
      found.push(offset);
      break;
    }
    lineStart = lineEnd + 1;
  }
  return found;
}

function anchors(text: string): { readonly offset: number; readonly fault: string }[] {
  if (!text.includes('&')) return [];
  const seen = new Set<string>();
  return pyyamlEvents(text).flatMap((event) => {
    if (!('anchorStart' in event) || event.anchorStart < 0 || event.type === EVENT_ID.ALIAS) return [];
    const name = text.slice(event.anchorStart, event.anchorEnd);
    const isTwice = seen.has(name);
    seen.add(name);
    if (!/^[0-9A-Za-z_-]+$/.test(name))
      return [{ offset: event.anchorStart, fault: `"&${name}" is no name of an anchor` }];
    return isTwice ? [{ offset: event.anchorStart, fault: `the anchor "&${name}" is there twice` }] : [];
  });
}
