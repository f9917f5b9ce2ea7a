import type { Problem } from '../../errors.js';
import type { Written } from '../../model/software.js';
import type { DraftPartition } from '../partitions/draft-partitions.js';
import type { ImageStatements } from '../statements/statements.js';
import type { ChainLayerStatements } from '../chain/chain-statements.js';
import { isEmpty } from './whole-chain.js';

/** FAT takes 255 characters; the suffix and a part file's need some. */
const LONGEST_CHAIN = 200;
/** Of one overlay, as far as it was tried. */
const MOST_LAYERS = 32;

/**
 * What holds between the layers of a chain. Codes: `layer-twice`, `layer-empty`, `layer-engine-twice`,
 * `layer-chain-too-long`.
 */
export function chainProblems(layers: readonly ChainLayerStatements[]): Problem[] {
  const engines = layers.filter(({ engine }) => engine !== undefined);
  const chain = layers.map(({ name }) => name.value).join('-');
  return [
    ...layers.flatMap(({ name }, index): Problem[] => {
      if (!layers.slice(0, index).some((one) => one.name.value === name.value)) return [];
      const message = `there is another layer called "${name.value}"`;
      return [{ code: 'layer-twice', message, hint: 'Give it another name, or put the two together.', ...name.at }];
    }),
    ...layers.filter(isEmpty).map(({ name }) => ({
      code: 'layer-empty',
      message: `the layer "${name.value}" has nothing in it`,
      hint: 'Add packages, an overlay or software, or remove it.',
      ...name.at,
    })),
    ...engines.slice(1).map(({ name, engine }) => ({
      code: 'layer-engine-twice',
      message: `the layer "${name.value}" brings a container engine, and "${engines[0]?.name.value ?? ''}" does already`,
      hint: 'An image has one engine: take it out of one of the two.',
      ...engine?.at,
    })),
    ...(chain.length <= LONGEST_CHAIN && layers.length <= MOST_LAYERS
      ? []
      : [
          {
            code: 'layer-chain-too-long',
            message: `a chain of ${layers.length} layers whose names have ${chain.length} characters is too long: at most ${MOST_LAYERS} layers and ${LONGEST_CHAIN} characters`,
            hint: 'Put layers together, or give them shorter names.',
            ...layers.at(-1)?.name.at,
          },
        ]),
  ];
}

/** Layers over a system that is no chain itself. Code: `layers-unfit`. */
export function checkLayered(system: ImageStatements, at: Written | undefined): Problem[] {
  if (system.chain.length > 0 || at === undefined) return [];
  const message = 'layers that are images of their own need a layered system, and this one has a single root';
  return [{ code: 'layers-unfit', message, hint: 'Choose one: --system layered, or one that extends it.', ...at }];
}

/** Where changes are to be kept must be there. Code: `layer-changes-unfit`. */
export function changesProblems({ boot }: ImageStatements, partitions: readonly DraftPartition[]): Problem[] {
  const name = boot?.value.changes ?? 'memory';
  if (name === 'memory') return [];
  const found = partitions.find((one) => one.name === name);
  const problem = (message: string, hint: string): Problem[] => [
    { code: 'layer-changes-unfit', message, hint, ...boot?.at },
  ];
  if (found === undefined) {
    return problem(`"changes" names the partition "${name}", and there is none`, CHANGES_HINT);
  }
  const { role, fs, mount, readOnly } = found;
  if (role !== 'data' || fs !== 'ext4' || readOnly) {
    return problem(
      `changes cannot be kept on "${name}": that takes a data partition with ext4 that is written to`,
      CHANGES_HINT,
    );
  }
  if (mount !== undefined) {
    const hint = 'Remove its mount; other data goes to a partition of its own.';
    return problem(`"${name}" keeps changes and is mounted at ${mount}: the initramfs mounts it by itself`, hint);
  }
  return [];
}

const CHANGES_HINT =
  'List { name: changes, role: data, fs: ext4, grow: true } among the partitions, or write changes: memory.';
