// Run by `npm run schema` after a change of board-schema.ts; a test holds the committed file against the code.
import { writeFile } from 'node:fs/promises';
import { boardJsonSchema } from './board-json-schema.js';

const file = new URL('../../boards/board.schema.json', import.meta.url);
await writeFile(file, `${JSON.stringify(boardJsonSchema(), null, 2)}\n`);
