// Run by `npm run schema` after a change of board-schema.ts, system-schema.ts, layer-schema.ts, workload-schema.ts, fleet-schema.ts or image-description.ts; tests hold the files against the code.
import { readFile, writeFile } from 'node:fs/promises';
import { boardJsonSchema } from '../src/config/schemas/board-json-schema.js';
import { withKeyList } from '../src/config/schemas/key-list.js';
import { layerJsonSchema } from '../src/config/schemas/layer-json-schema.js';
import { workloadJsonSchema } from '../src/config/schemas/workload-json-schema.js';
import { systemJsonSchema } from '../src/config/schemas/system-json-schema.js';
import { deviceJsonSchema, fleetJsonSchema } from '../src/fleet/definition/fleet-json-schema.js';
import { imageLockJsonSchema } from '../src/build/lock/lock-file.js';
import { imageDescriptionJsonSchema } from '../src/images/image-description.js';

const schema = new URL('../boards/board.schema.json', import.meta.url);
await writeFile(schema, `${JSON.stringify(boardJsonSchema(), null, 2)}\n`);

const reference = new URL('../docs/boards.md', import.meta.url);
await writeFile(reference, withKeyList(await readFile(reference, 'utf8')));

const systems = new URL('../systems/system.schema.json', import.meta.url);
await writeFile(systems, `${JSON.stringify(systemJsonSchema(), null, 2)}\n`);

const systemPage = new URL('../docs/systems.md', import.meta.url);
await writeFile(systemPage, withKeyList(await readFile(systemPage, 'utf8'), systemJsonSchema()));

const layers = new URL('../layers/layer.schema.json', import.meta.url);
await writeFile(layers, `${JSON.stringify(layerJsonSchema(), null, 2)}\n`);

const layerPage = new URL('../docs/layers.md', import.meta.url);
await writeFile(layerPage, withKeyList(await readFile(layerPage, 'utf8'), layerJsonSchema()));

const workloads = new URL('../workloads/workload.schema.json', import.meta.url);
await writeFile(workloads, `${JSON.stringify(workloadJsonSchema(), null, 2)}\n`);

const workloadPage = new URL('../docs/minimal.md', import.meta.url);
await writeFile(workloadPage, withKeyList(await readFile(workloadPage, 'utf8'), workloadJsonSchema()));

const fleets = new URL('../fleets/fleet.schema.json', import.meta.url);
await writeFile(fleets, `${JSON.stringify(fleetJsonSchema(), null, 2)}\n`);

const fleetPage = new URL('../docs/fleets.md', import.meta.url);
await writeFile(fleetPage, withKeyList(await readFile(fleetPage, 'utf8'), deviceJsonSchema()));

const description = new URL('../docs/schemas/image.schema.json', import.meta.url);
await writeFile(description, `${JSON.stringify(imageDescriptionJsonSchema(), null, 2)}\n`);

const lock = new URL('../docs/schemas/lock.schema.json', import.meta.url);
await writeFile(lock, `${JSON.stringify(imageLockJsonSchema(), null, 2)}\n`);
