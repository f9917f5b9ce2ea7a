/**
 * A program that uses a store, for tests which run it in a container of its own:
 * `store-process.ts CACHE-FOLDER hold` makes the entry "shared", tells where its scratch lies and waits for the end of
 * stdin; `… make` makes the entry "own"; `… look` only prepares the store, as a dry run does.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { Store } from '../../src/pipeline/store.js';

const [cacheDir = '', action = ''] = process.argv.slice(2);
const facts = { ...readHostFacts(process.env), cacheDir };
const { signal } = new AbortController();
const store = new Store(cacheDir, new RealHost({ facts, signal, environment: process.env, offline: true }));

async function waitForStdin(): Promise<void> {
  process.stdin.resume();
  await once(process.stdin, 'end');
}

async function makeShared(out: string): Promise<void> {
  process.stdout.write(`${out}\n`);
  await waitForStdin();
  await writeFile(join(out, 'result'), String(process.pid));
}

await store.prepare();
if (action === 'hold') await store.obtain('shared', { of: 'two' }, makeShared, () => process.stdout.write('waiting\n'));
if (action === 'make')
  await store.obtain(
    'own',
    {},
    (out) => writeFile(join(out, 'result'), ''),
    () => undefined,
  );
