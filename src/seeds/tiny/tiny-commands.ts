import type { Place, TinyValues } from './tiny-values.js';

/**
 * The script that `runcmd` and `bootcmd` become, as cloud-init's shellify writes it: texts as they are, lists as words
 * in single quotes. undefined where there are no commands or one of them is wrong.
 */
export function commandScript(place: Place, values: TinyValues): string | undefined {
  const commands = values.list(place) ?? [];
  const lines = commands.map((command) => (values.hasRoom() ? commandLine(command, values) : undefined));
  if (lines.length === 0 || lines.includes(undefined)) return undefined;
  const script = ['#!/bin/sh', ...lines, ''].join('\n');
  values.takeBytes(place, Buffer.byteLength(script));
  return script;
}

function commandLine(command: Place, values: TinyValues): string | undefined {
  const line = values.isSequence(command) ? quotedWords(command, values) : values.text(command);
  // eslint-disable-next-line no-control-regex -- these characters are what is looked for
  if (line === undefined || !/[\u0000\r]/.test(line)) return line;
  const hint = 'Save the script with LF line ends and put it in again, as a block after "|".';
  values.refuse(command, 'holds a character that no script may hold (a zero, CR)', hint);
}

function quotedWords(command: Place, values: TinyValues): string | undefined {
  const words = (values.list(command) ?? []).map((word) => values.digits(word) ?? values.text(word));
  if (words.length === 0) {
    values.refuse(command, 'holds an empty command', 'Remove it.');
    return;
  }
  if (words.includes(undefined)) return undefined;
  return words.map((word) => `'${(word ?? '').replaceAll("'", `'\\''`)}'`).join(' ');
}
