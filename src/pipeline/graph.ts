import type { Stage } from './stage.js';

/** Something that a build needs, and how it comes to be. Nodes are compared by identity: one node is made once. */
export type Node<Output> = StageNode<Output> | StepNode<Output> | ValueNode<Output>;

export type Needs = Readonly<Record<string, Node<unknown> | undefined>>;

/** What a node gets of the nodes that it needs; a need that is not there gives undefined. */
export type Results<N extends Needs> = { readonly [K in keyof N]: ResultOf<N[K]> };
type ResultOf<N> = N extends Node<infer Output> ? Output : undefined;

/** Kept in the store under its key. */
export type StageNode<Output> = NodeParts & { readonly kind: 'stage'; readonly stage: AnyStage; output?: Output };
/** Made for each build, when somebody asks for it: what carries a device's secrets, or goes to a place of its own. */
export type StepNode<Output> = NodeParts & { readonly kind: 'step'; readonly stage: AnyStage; output?: Output };
/** Computed from results, without any file. */
export type ValueNode<Output> = NodeParts & { readonly kind: 'value'; output?: Output };

type NodeParts = { readonly needs: Needs; readonly input: (results: never) => unknown };
export type AnyStage = Stage<unknown, unknown>;

/** The result of a step: its key is known before it is made. */
export class Pending<Output> {
  private made: Promise<Output> | undefined;

  constructor(
    readonly key: string,
    private readonly make: () => Promise<Output>,
  ) {}

  /** Makes it, the first time that somebody asks. */
  get(): Promise<Output> {
    this.made ??= this.make();
    return this.made;
  }
}

/** A node whose result the store keeps. `input` is called once, with what the needs came to. */
export function stageNode<Input, Output, N extends Needs>(
  stage: Stage<Input, Output>,
  needs: N,
  input: (results: Results<N>) => Input | Promise<Input>,
): Node<Output> {
  return { kind: 'stage', stage: stage as unknown as AnyStage, needs, input };
}

/** A node that is made each time, and not before its result is asked for. */
export function stepNode<Input, Output, N extends Needs>(
  stage: Stage<Input, Output>,
  needs: N,
  input: (results: Results<N>) => Input | Promise<Input>,
): Node<Pending<Output>> {
  return { kind: 'step', stage: stage as unknown as AnyStage, needs, input };
}

export function valueNode<Output, N extends Needs>(
  needs: N,
  value: (results: Results<N>) => Output | Promise<Output>,
): Node<Output> {
  return { kind: 'value', needs, input: value };
}

/** All nodes that these need, each once, behind what it needs itself: the order in which a build is told and planned. */
export function inOrder(roots: readonly Node<unknown>[]): readonly Node<unknown>[] {
  const seen = new Set<Node<unknown>>();
  const visit = (node: Node<unknown>): void => {
    if (seen.has(node)) return;
    for (const need of needsOf(node)) visit(need);
    seen.add(node);
  };
  for (const root of roots) visit(root);
  return [...seen];
}

/** Lines of a build's list with the stages that belong to each, in the order in which they begin. */
export function groupsOf(roots: readonly Node<unknown>[]): { readonly title: string; readonly stages: string[] }[] {
  const groups = new Map<string, string[]>();
  for (const node of inOrder(roots)) {
    if (node.kind === 'value') continue;
    const { group, name } = node.stage;
    groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  return [...groups].map(([title, stages]) => ({ title, stages }));
}

export function needsOf(node: Node<unknown>): readonly Node<unknown>[] {
  return Object.values(node.needs).filter((need) => need !== undefined);
}

/** The input of a node, from the results of its needs by their names. */
export function inputOf(node: Node<unknown>, results: Readonly<Record<string, unknown>>): unknown {
  return (node.input as (results: unknown) => unknown)(results);
}
