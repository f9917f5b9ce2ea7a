/** Fields of one paragraph, as Debian's control files have them; names as written, continuation lines kept. */
export type Stanza = ReadonlyMap<string, string>;

/** Paragraphs of a control file (deb822(5)); comments and what is no field are left out. */
export function parseStanzas(text: string): readonly Stanza[] {
  return text
    .split(/\n[ \t]*\n/)
    .map(parseStanza)
    .filter((stanza) => stanza.size > 0);
}

function parseStanza(paragraph: string): Stanza {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of paragraph.split('\n')) {
    if (line.startsWith('#')) continue;
    const field = /^(?<name>[!-9;-~]+):[ \t]*(?<value>.*)$/.exec(line)?.groups;
    if (/^[ \t]/.test(line) && current !== undefined) {
      fields.set(current, `${fields.get(current) ?? ''}\n${line}`);
    } else if (field !== undefined) {
      current = field['name'] ?? '';
      fields.set(current, field['value'] ?? '');
    }
  }
  return fields;
}

/** Names in a relation ("a (>= 1) | b:any, c"): one list of alternatives for each part, without versions. */
export function relationNames(field: string | undefined): readonly (readonly string[])[] {
  return (field ?? '')
    .split(',')
    .map((group) =>
      group
        .split('|')
        .map((one) => one.trim().split(/[\s(:[]/)[0] ?? '')
        .filter((name) => name !== ''),
    )
    .filter((group) => group.length > 0);
}
