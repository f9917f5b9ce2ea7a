import { COLLECTION_STYLE, EVENT_ID, SCALAR_STYLE, type Event } from 'js-yaml';
import { positionFinder, type YamlSource } from '../../config/yaml-source.js';
import type { YamlNode } from '../../config/yaml-nodes.js';
import type { Problem } from '../../errors.js';
import type { SeedFile } from '../text/seed.js';
import { checkText } from '../text/text-file.js';
import { readSeedYaml, yamlFindings } from '../yaml/cloud-init-yaml.js';
import { pyyamlEvents } from '../yaml/pyyaml-events.js';
import { readPlainScalar } from '../yaml/pyyaml-scalars.js';

/** The limits of native/seed-reader.c: a seed of a person is far below them. */
const MOST_VALUES = 20_000;
const MOST_ANCHORS = 256;
const DEEPEST = 64;

/** What PyYAML or libyaml refuses, what only one of them takes for a line end, and what nobody sees. */
// eslint-disable-next-line no-control-regex -- these characters are what is looked for
const FOREIGN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/;

/** `source` is undefined where there is nothing to read; both are where `problems` has something. */
export type TinyYaml = { readonly source: YamlSource | undefined; readonly problems: readonly Problem[] };

/**
 * A document as libyaml on the device and cloud-init's PyYAML read it alike. What they could read differently is a
 * problem: tags, directives, keys that are no text or there twice.
 *
 * Codes: those of checkText and readSeedYaml, `yaml-key-not-text`, `tiny-seed-yaml`.
 */
export function readTinyYaml(file: SeedFile, limitBytes: number): TinyYaml {
  const asText = [...checkText(file, limitBytes).problems, ...foreignCharacters(file)];
  if (asText.length > 0) return { source: undefined, problems: asText };
  const source = readSeedYaml(file);
  const { problems, warnings } = yamlFindings(source);
  // cloud-init passes over the warnings, too, and takes the last of two keys; this reader does not.
  const asYaml = [...problems, ...warnings];
  const found = asYaml.length > 0 ? asYaml : [...oddities(source), ...keysOf(source)];
  return found.length > 0 ? { source: undefined, problems: found } : { source, problems: [] };
}

function foreignCharacters({ text, file }: SeedFile): Problem[] {
  const offset = text.search(FOREIGN);
  if (offset < 0) return [];
  const code = (text.codePointAt(offset) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const message = `the invisible character U+${code} must not stand here`;
  const hint = 'Remove it, or write it as an escape in double quotes.';
  return [{ code: 'tiny-seed-yaml', message, hint, file, ...positionFinder(text)(offset) }];
}

function oddities({ text, file }: YamlSource): Problem[] {
  const position = positionFinder(text);
  const at = (offset: number, message: string, hint: string): Problem => ({
    code: 'tiny-seed-yaml',
    message,
    hint,
    file,
    ...position(Math.max(0, offset)),
  });
  const events = pyyamlEvents(text);
  const values = events.filter(({ type }) => type !== EVENT_ID.DOCUMENT && type !== EVENT_ID.POP);
  const anchors = values.filter((event) => event.type !== EVENT_ID.ALIAS && anchorOf(event) >= 0);
  const over = values[MOST_VALUES];
  return [
    ...(over === undefined ? [] : [at(startOf(over), `more than ${MOST_VALUES} values`, SMALLER)]),
    ...(anchors.length > MOST_ANCHORS ? [at(0, `more than ${MOST_ANCHORS} anchors`, SMALLER)] : []),
    // A directive, known or not, and an end mark, after which libyaml wants a "---".
    ...Array.from(text.matchAll(/^(?:%|\.\.\.)/gm), ({ index }) =>
      at(index, 'YAML directives ("%") and "..." are not known on a tiny system', 'Remove the line.'),
    ),
    ...values.flatMap((event) =>
      'tagStart' in event && event.tagStart >= 0
        ? [at(event.tagStart, 'YAML tags ("!…") are not known on a tiny system', 'Remove it; quote what is text.')]
        : [],
    ),
    ...surrogates(text, events).map((offset) =>
      at(offset, 'half a character is written as an escape', 'Write the character itself.'),
    ),
    ...tabsInFront(text, events).map((offset) =>
      at(offset, 'a tab begins this block, where blanks are counted', 'Write how deep it is: "|2" instead of "|".'),
    ),
    ...colonsInFlow(text, events).map((offset) =>
      at(offset, 'a word in brackets begins with ":"', 'Write it in quotes.'),
    ),
    ...oddKeys(events).map((offset) => at(offset, 'a key must be text that is written out', 'Write it in quotes.')),
  ];
}

const SMALLER = 'Put what is large into the image.';

function anchorOf(event: Event): number {
  return 'anchorStart' in event ? event.anchorStart : -1;
}

function startOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  return 'start' in event ? event.start : anchorOf(event);
}

/** Words without quotes between brackets: libyaml takes the colon at their front for the end of a key, PyYAML does not. */
function colonsInFlow(text: string, events: readonly Event[]): number[] {
  const found: number[] = [];
  const open: boolean[] = [];
  for (const event of events) {
    if (event.type === EVENT_ID.POP) open.pop();
    if (event.type === EVENT_ID.DOCUMENT) open.push(false);
    if (event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.MAPPING) {
      open.push(event.style === COLLECTION_STYLE.FLOW);
    }
    const isPlain = event.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN;
    if (isPlain && open.at(-1) === true && text[event.valueStart] === ':') found.push(event.valueStart);
  }
  return found;
}

/** Keys that are lists, mappings or aliases, and collections below the limit of depth. */
function oddKeys(events: readonly Event[]): number[] {
  const found: number[] = [];
  /** For each open collection the number of its children, or undefined for what is no mapping. */
  const open: (number | undefined)[] = [];
  for (const event of events) {
    if (event.type === EVENT_ID.POP) {
      open.pop();
      continue;
    }
    const children = open.at(-1);
    if (children !== undefined) open[open.length - 1] = children + 1;
    const isKey = children !== undefined && children % 2 === 0;
    if (isKey && event.type !== EVENT_ID.SCALAR) found.push(startOf(event));
    if (event.type === EVENT_ID.MAPPING) open.push(0);
    if (event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.DOCUMENT) open.push(undefined);
    // The document is one level, too.
    if (open.length === DEEPEST + 2) found.push(startOf(event));
  }
  return found;
}

/** "\ud83d\ude00" is one character to JSON, two halves to Python, and an error to libyaml. */
function surrogates(text: string, events: readonly Event[]): number[] {
  return events.flatMap((event) => {
    if (event.type !== EVENT_ID.SCALAR || text[event.valueStart - 1] !== '"') return [];
    const inside = text.slice(event.valueStart, event.valueEnd);
    const escape = /(?<!\\)(?:\\\\)*\\(?:u|U0000)[dD][89a-fA-F]/.exec(inside);
    return escape === null ? [] : [event.valueStart + escape.index];
  });
}

/** libyaml takes no tab where it counts the indentation of a block, PyYAML does. */
function tabsInFront(text: string, events: readonly Event[]): number[] {
  return events.flatMap((event) => {
    if (event.type !== EVENT_ID.SCALAR || event.valueStart < 0) return [];
    const header = /[|>]([-+0-9]*)[ \t]*(?:#[^\n]*)?\r?\n$/.exec(text.slice(0, event.valueStart));
    if (header === null || /\d/.test(header[1] ?? '')) return [];
    const tab = /^(?: *\r?\n)* *\t/.exec(text.slice(event.valueStart));
    return tab === null ? [] : [event.valueStart + tab[0].length - 1];
  });
}

/** `<<` and `=`, which are no text to PyYAML. */
function keysOf({ root, text, file }: YamlSource): Problem[] {
  const position = positionFinder(text);
  const visit = (node: YamlNode): Problem[] => {
    if (node.kind === 'sequence') return node.items.flatMap(visit);
    if (node.kind !== 'mapping') return [];
    return node.pairs.flatMap(({ key, value }) => {
      const isText = key.style !== 'plain' || readPlainScalar(key.text).kind === 'text';
      const message = `the key ${key.text} has a meaning of its own, which a tiny system does not know`;
      const hint = key.text === '<<' ? 'Write out what it merges.' : 'Write it in quotes.';
      const odd = { code: 'tiny-seed-yaml', message, hint, file, ...position(key.start) };
      return [...(isText ? [] : [odd]), ...visit(value)];
    });
  };
  return root === undefined ? [] : visit(root);
}
