// Run by `npm run schema` after a change of board-schema.ts, fleet-schema.ts or image-description.ts; tests hold the files against the code.
import { readFile, writeFile } from 'node:fs/promises';
import { boardJsonSchema } from '../src/config/boards/board-json-schema.js';
import { withKeyList } from '../src/config/boards/board-key-list.js';
import { deviceJsonSchema, fleetJsonSchema } from '../src/fleet/definition/fleet-json-schema.js';
import { imageDescriptionJsonSchema } from '../src/images/image-description.js';

const schema = new URL('../boards/board.schema.json', import.meta.url);
await writeFile(schema, `${JSON.stringify(boardJsonSchema(), null, 2)}\n`);

const reference = new URL('../docs/boards.md', import.meta.url);
await writeFile(reference, withKeyList(await readFile(reference, 'utf8')));

const fleets = new URL('../fleets/fleet.schema.json', import.meta.url);
await writeFile(fleets, `${JSON.stringify(fleetJsonSchema(), null, 2)}\n`);

const fleetPage = new URL('../docs/fleets.md', import.meta.url);
await writeFile(fleetPage, withKeyList(await readFile(fleetPage, 'utf8'), deviceJsonSchema()));

const description = new URL('../docs/schemas/image.schema.json', import.meta.url);
await writeFile(description, `${JSON.stringify(imageDescriptionJsonSchema(), null, 2)}\n`);
