import type { Command } from '../model/command.js';
import { formatCommand } from '../model/command.js';
import type { KeyChange } from './explain.js';
import type { AnyStage, Node } from './graph.js';
import { inOrder, inputOf, Pending } from './graph.js';
import { changesSince, keyDocument } from './key-document.js';
import type { Store } from './store.js';
import { keyOf } from './store.js';

export type PlannedStage = {
  readonly stage: string;
  /** Undefined while the result of a stage before it is not known. */
  readonly key?: string;
  /** `make`: the store does not have it; `unknown`: a stage before it has to run first. */
  readonly state: 'in-store' | 'make' | 'unknown' | 'each-time';
  readonly changes: readonly KeyChange[];
  /** The commands that shape its result, as a shell would need them. */
  readonly commands: readonly string[];
};

export type Plan = {
  /** Every stage that a run would go through, in the same order. */
  readonly stages: readonly PlannedStage[];
  /** The result of a node as far as the store knows it. */
  resultOf<Output>(node: Node<Output>): Output | undefined;
};

/** What running these nodes would do. Nothing is made or fetched to find out; what only a stage can tell stays open. */
export async function planGraph(
  roots: readonly Node<unknown>[],
  store: Store,
  options: { readonly jobs: number },
): Promise<Plan> {
  const known = new Map<Node<unknown>, unknown>();
  const stages: PlannedStage[] = [];
  for (const node of inOrder(roots)) {
    const needs = Object.entries(node.needs).filter(([, need]) => need !== undefined);
    const ready = needs.every(([, need]) => known.has(need as Node<unknown>));
    const results = Object.fromEntries(needs.map(([name, need]) => [name, known.get(need as Node<unknown>)]));
    if (node.kind === 'value') {
      if (ready) known.set(node, await inputOf(node, results));
      continue;
    }
    if (!ready) {
      const state = node.kind === 'step' ? 'each-time' : 'unknown';
      stages.push({ stage: node.stage.name, state, changes: [], commands: [] });
      continue;
    }
    const input = await inputOf(node, results);
    const commands = (node.stage.commands?.(input, options) ?? []).map((command: Command) => formatCommand(command));
    const planned = await (node.kind === 'step' ? planStep(node.stage, input) : planStage(node.stage, input, store));
    stages.push({ ...planned.stage, commands });
    if ('result' in planned) known.set(node, planned.result);
  }
  return { stages, resultOf: <Output>(node: Node<Output>) => known.get(node) as Output | undefined };
}

type Planned = { readonly stage: Omit<PlannedStage, 'commands'>; readonly result?: unknown };

async function planStage(stage: AnyStage, input: unknown, store: Store): Promise<Planned> {
  const document = keyDocument(stage, input);
  const key = keyOf(document);
  const entry = await store.find(stage.name, key);
  if (entry !== undefined) {
    const result = await stage.open({ key, path: entry.path }, input);
    return { stage: { stage: stage.name, key, state: 'in-store', changes: [] }, result };
  }
  const changes = await changesSince(store, stage.name, document);
  return { stage: { stage: stage.name, key, state: 'make', changes } };
}

function planStep(stage: AnyStage, input: unknown): Planned {
  const key = keyOf(keyDocument(stage, input));
  const result = new Pending<never>(key, () => Promise.reject(new TypeError(`a plan makes no ${stage.name}`)));
  return { stage: { stage: stage.name, key, state: 'each-time', changes: [] }, result };
}
