import type { Json } from '../model/json.js';
import type { KeyChange } from './explain.js';
import { diffKeys } from './explain.js';
import type { Stage } from './stage.js';
import type { Store } from './store.js';
import { keyOf } from './store.js';

/** What a stage's key is the digest of. */
export function keyDocument<Input>(stage: Pick<Stage<Input, unknown>, 'name' | 'version' | 'key'>, input: Input): Json {
  return { stage: stage.name, version: stage.version, input: stage.key(input) };
}

/** What is different from the newest entry of the stage; nothing when it never ran. */
export async function changesSince(store: Store, stage: string, document: Json): Promise<readonly KeyChange[]> {
  const previous = await store.newestKeyDocument(stage, keyOf(document));
  return previous === undefined ? [] : diffKeys(previous, document);
}
