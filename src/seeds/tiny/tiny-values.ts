import type { Problem } from '../../errors.js';
import { describeFound, didYouMean } from '../../config/wording.js';
import { followAlias, type YamlNode } from '../../config/yaml-nodes.js';
import { positionFinder, type YamlSource } from '../../config/yaml-source.js';
import { readPlainScalar, type PlainScalar } from '../yaml/pyyaml-scalars.js';

/** One place of a document: its value, what it is called in messages, and the offset that is shown for it. */
export type Place = { readonly node: YamlNode; readonly name: string; readonly start: number };

/** Aliases may repeat what is long; native/seed-reader.c stops at the same numbers. */
const MOST_READ = 40_000;
const MOST_OUTPUT_BYTES = 4 * 1024 * 1024;

export type Fields = Readonly<Record<string, (place: Place) => void>>;

/** How much of the limits a seed has used, over all of its documents. */
export type Budget = { values: number; bytes: number };

/**
 * Reads the values of one document by the rules of native/seed-reader.c and notes what is outside of the subset.
 * Codes: `tiny-seed-key`, `tiny-seed-value`.
 */
export class TinyValues {
  readonly problems: Problem[] = [];
  private readonly position: ReturnType<typeof positionFinder>;

  constructor(
    private readonly source: YamlSource,
    private readonly budget: Budget,
    /** Why a tiny system does not know a key, in words that end a sentence; undefined for words of no meaning. */
    private readonly reason: (key: string) => string | undefined,
  ) {
    this.position = positionFinder(source.text);
  }

  root(name: string): Place | undefined {
    const node = this.source.root;
    return node === undefined ? undefined : { node, name, start: node.start };
  }

  refuse({ name, start }: Place, fault: string, hint?: string): undefined {
    this.note('tiny-seed-value', start, `"${name}" ${fault}`, hint);
    return undefined;
  }

  text(place: Place): string | undefined {
    const node = followAlias(place.node);
    const read = scalarOf(node);
    if (read?.kind === 'text') return String(read.value);
    const found =
      node.kind === 'scalar'
        ? describeFound(read === undefined || read.kind === 'fault' ? undefined : read.value)
        : describeFound(node.kind === 'mapping' ? {} : []);
    const hint = node.kind === 'scalar' && node.style !== 'absent' ? `Put it in quotes: "${node.text}".` : undefined;
    this.refuse(place, `must be text, found ${found}`, hint);
  }

  /** Text on one line that is not empty. */
  line(place: Place): string | undefined {
    const text = this.text(place);
    // eslint-disable-next-line no-control-regex -- these characters are what is looked for
    if (text === undefined || /^[^\u0000-\u001f\u007f]+$/.test(text)) return text;
    this.refuse(place, 'must be one line of text');
  }

  truth(place: Place): boolean | undefined {
    const read = scalarOf(followAlias(place.node));
    if (read?.kind === 'bool') return read.value === true;
    this.refuse(place, 'must be true or false', 'Write it without quotes.');
  }

  mustBeFalse(place: Place, why: string): void {
    if (this.truth(place) === true) this.refuse(place, `can only be false: ${why}`);
  }

  number(place: Place, least: number, most: number): number | undefined {
    const digits = this.digits(place);
    const value = digits !== undefined && /^\d{1,9}$/.test(digits) ? Number(digits) : -1;
    if (value >= least && value <= most) return value;
    this.refuse(place, `must be a number from ${least} to ${most}`);
    return undefined;
  }

  /** A whole number as its decimal digits, where they stand in the file like that: 0x10 and 010 are other numbers. */
  digits({ node }: Place): string | undefined {
    const scalar = followAlias(node);
    const isDecimal = scalar.kind === 'scalar' && /^(?:0|-?[1-9]\d{0,17})$/.test(scalar.text);
    return isDecimal && scalarOf(scalar)?.kind === 'int' ? scalar.text : undefined;
  }

  /** The digits of a mode: text, or a number that YAML 1.1 reads as octal. */
  octal({ node }: Place): string | undefined {
    const scalar = followAlias(node);
    if (scalar.kind !== 'scalar') return undefined;
    const kind = scalarOf(scalar)?.kind;
    return kind === 'text' || (kind === 'int' && scalar.text.startsWith('0')) ? scalar.text : undefined;
  }

  isText({ node }: Place, text: string): boolean {
    const scalar = followAlias(node);
    return scalar.kind === 'scalar' && scalarOf(scalar)?.kind === 'text' && scalar.text === text;
  }

  isScalar({ node }: Place): boolean {
    return followAlias(node).kind === 'scalar';
  }

  isSequence({ node }: Place): boolean {
    return followAlias(node).kind === 'sequence';
  }

  isEmpty({ node }: Place): boolean {
    const holder = followAlias(node);
    return holder.kind === 'mapping' && holder.pairs.length === 0;
  }

  isMapping({ node }: Place): boolean {
    return followAlias(node).kind === 'mapping';
  }

  list(place: Place): readonly Place[] | undefined {
    const node = followAlias(place.node);
    if (node.kind !== 'sequence') {
      this.refuse(place, 'must be a list', 'Write each item on a line of its own: "- …".');
      return;
    }
    if (!this.takeValues(place, node.items.length)) return [];
    return node.items.map((item) => ({
      node: item,
      name: place.name,
      start: item.start < 0 ? place.start : item.start,
    }));
  }

  /** The value of one key, which is not counted. */
  value({ node }: Place, key: string): YamlNode | undefined {
    const mapping = followAlias(node);
    return mapping.kind === 'mapping' ? mapping.pairs.find((pair) => pair.key.text === key)?.value : undefined;
  }

  /** The value of each key of a mapping, by its key; undefined, after a note, for anything else. */
  mapping(place: Place): ReadonlyMap<string, Place> | undefined {
    const node = followAlias(place.node);
    if (node.kind !== 'mapping') {
      this.refuse(place, 'must be a mapping: "key: value"');
      return;
    }
    if (!this.takeValues(place, node.pairs.length)) return new Map();
    return new Map(
      node.pairs.map(({ key, value }) => {
        const start = value.kind === 'scalar' && value.start >= 0 ? value.start : key.start;
        return [key.text, { node: value, name: key.text, start }];
      }),
    );
  }

  /** Hands each value to the reader of its key and notes other keys; the values, as `mapping` gives them. */
  fields(place: Place, known: Fields): ReadonlyMap<string, Place> {
    const node = followAlias(place.node);
    const values = this.mapping(place) ?? new Map<string, Place>();
    for (const [key, value] of values) {
      if (Object.hasOwn(known, key)) known[key]?.(value);
      else if (node.kind === 'mapping')
        this.outside(key, node.pairs.find((pair) => pair.key.text === key)?.key.start ?? 0, place, known);
    }
    return values;
  }

  /** Counts what is to be written. */
  takeBytes(place: Place, bytes: number): void {
    const before = this.budget.bytes;
    this.budget.bytes += bytes;
    if (before <= MOST_OUTPUT_BYTES && this.budget.bytes > MOST_OUTPUT_BYTES)
      this.refuse(place, `makes the seed larger than ${MOST_OUTPUT_BYTES} bytes`, 'Put what is large into the image.');
  }

  /** False once aliases have made a document so large that nobody wants to read on. */
  hasRoom(): boolean {
    return this.budget.bytes <= MOST_OUTPUT_BYTES && this.budget.values <= MOST_READ;
  }

  private takeValues(place: Place, count: number): boolean {
    const before = this.budget.values;
    this.budget.values += count;
    if (before <= MOST_READ && this.budget.values > MOST_READ)
      this.refuse(place, `makes more than ${MOST_READ} values of the seed`, 'Put what is large into the image.');
    return this.hasRoom();
  }

  private outside(key: string, start: number, place: Place, known: Fields): void {
    const reason = this.reason(key);
    const hint =
      reason === undefined
        ? didYouMean(key, Object.keys(known))
        : 'Take it out, or build the image with --system debian.';
    const where = place.name.endsWith('-data') || place.name.endsWith('-config') ? '' : ` in "${place.name}"`;
    this.note(
      'tiny-seed-key',
      start,
      `a tiny system does not know "${key}"${where}${reason === undefined ? '' : `: ${reason}`}`,
      hint,
    );
  }

  private note(code: string, start: number, message: string, hint?: string): void {
    const place = this.position(Math.max(0, start));
    this.problems.push({ code, message, ...(hint === undefined ? {} : { hint }), file: this.source.file, ...place });
  }
}

/** What a scalar is to PyYAML; all that is quoted is text. undefined for lists and mappings. */
function scalarOf(node: YamlNode): PlainScalar | undefined {
  if (node.kind !== 'scalar') return undefined;
  const isRead = node.style === 'plain' || node.style === 'absent';
  return isRead ? readPlainScalar(node.text) : { kind: 'text', value: node.text, deviceText: node.text };
}
