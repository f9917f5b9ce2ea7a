import { parseEvents, YAMLException, type Event } from 'js-yaml';

/** More than any indentation that a line could need. */
const PADDING = ' '.repeat(100);

/**
 * The events of a YAML text, for readYamlSource. PyYAML does not look at the indentation inside of brackets and
 * quotes, where js-yaml wants more than the key's: such a line is parsed as if it were indented, and the offsets in
 * events and errors are those of the text as it is.
 *
 * @throws YAMLException
 */
export function pyyamlEvents(text: string): Event[] {
  /** Where those lines begin, from the front. */
  const lineStarts: number[] = [];
  let first: YAMLException | undefined;
  for (;;) {
    const offsetInText = (offset: number): number => unpadded(offset, lineStarts);
    try {
      const events = parseEvents(padded(text, lineStarts), {});
      return lineStarts.length === 0 ? events : events.map((event) => moved(event, offsetInText));
    } catch (error) {
      if (!(error instanceof YAMLException) || error.mark === undefined) throw error;
      // Where it does not help, the bracket or quote was most likely never closed.
      first ??= error;
      const offset = offsetInText(error.mark.position);
      const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
      // A mark between documents ends everything that is open.
      const isMarker = /^(?:---|\.\.\.)/.test(text.slice(lineStart));
      const isIndentation = error.reason === 'deficient indentation' && !isMarker && !lineStarts.includes(lineStart);
      if (!isIndentation) throw first;
      lineStarts.push(lineStart);
      lineStarts.sort((a, b) => a - b);
    }
  }
}

function padded(text: string, lineStarts: readonly number[]): string {
  const ends = [...lineStarts, text.length];
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end)).join(PADDING);
}

function unpadded(offset: number, lineStarts: readonly number[]): number {
  let before = 0;
  for (const [index, lineStart] of lineStarts.entries()) {
    const over = offset - (lineStart + index * PADDING.length);
    if (over > 0) before += Math.min(over, PADDING.length);
  }
  return offset - before;
}

function moved(event: Event, offsetInText: (offset: number) => number): Event {
  const fields = Object.entries(event).map(([name, value]: [string, unknown]): [string, unknown] => {
    const isOffset = /(?:^s|S)tart$|End$/.test(name) && typeof value === 'number' && value >= 0;
    return [name, isOffset ? offsetInText(value) : value];
  });
  return Object.fromEntries(fields) as unknown as Event;
}
