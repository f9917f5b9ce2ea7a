// Run by `npm run schema` after a change of board-schema.ts; tests hold both files against the code.
import { readFile, writeFile } from 'node:fs/promises';
import { boardJsonSchema } from './board-json-schema.js';
import { withKeyList } from './board-key-list.js';

const schema = new URL('../../boards/board.schema.json', import.meta.url);
await writeFile(schema, `${JSON.stringify(boardJsonSchema(), null, 2)}\n`);

const reference = new URL('../../docs/boards.md', import.meta.url);
await writeFile(reference, withKeyList(await readFile(reference, 'utf8')));
