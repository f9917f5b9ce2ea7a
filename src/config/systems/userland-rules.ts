import type { Problem } from '../../errors.js';
import type { Userland } from '../../model/image-spec.js';
import type { FileChain } from '../file-chain.js';
import { isMap } from '../file-chain.js';
import type { SystemDefinition } from '../schemas/system-schema.js';

const DEBIAN: readonly Userland[] = ['debian'];
const SMALL: readonly Userland[] = ['busybox', 'workload'];

/** Keys that mean something to some userlands only. */
const USERLANDS_OF_KEY: Readonly<Partial<Record<keyof SystemDefinition, readonly Userland[]>>> = {
  layers: ['debian', 'busybox'],
  engine: DEBIAN,
  packages: DEBIAN,
  withoutPackages: DEBIAN,
  repositories: DEBIAN,
  capabilities: DEBIAN,
  containerImages: DEBIAN,
  software: DEBIAN,
  root: DEBIAN,
  filesystem: SMALL,
  sizeBudget: SMALL,
  ssh: ['busybox'],
  busybox: ['busybox'],
};

/** What a layered system says in one of its layers instead. */
const KEYS_OF_A_LAYER: readonly (keyof SystemDefinition)[] = [
  'engine',
  'packages',
  'overlay',
  'containerImages',
  'software',
];

/**
 * A key that the system's userland does nothing with. Codes: `system-key-unfit`, `layers-mixed`, `invalid-value`, and
 * `missing-key` for a Debian or BusyBox without layers.
 */
export function userlandProblems(
  definition: Pick<SystemDefinition, 'userland' | 'layers' | 'compression'>,
  chain: FileChain,
): Problem[] {
  const { userland, layers } = definition;
  const written = isMap(chain.value) ? chain.value : {};
  const isLayered = layers?.some((one) => typeof one !== 'string') ?? false;
  const unfit = Object.entries(USERLANDS_OF_KEY).filter(([key, fit]) => key in written && !fit.includes(userland));
  return [
    ...unfit.map(([key, fit]) => ({
      code: 'system-key-unfit',
      message: `"${key}" is for systems with the userland ${fit.join(' or ')}, and this one is made of ${userland}`,
      hint: 'Remove the key, or extend a system of that userland.',
      ...chain.locate([key]),
    })),
    ...(isLayered ? layeredProblems(definition, chain) : notLayeredProblems(definition, chain)),
    ...(userland !== 'workload' && layers === undefined
      ? [{ code: 'missing-key', message: '"layers" is missing', hint: 'Name at least one layer.', ...chain.locate([]) }]
      : []),
  ];
}

type Checked = Pick<SystemDefinition, 'userland' | 'layers' | 'compression'>;

function layeredProblems({ userland, layers = [], compression }: Checked, chain: FileChain): Problem[] {
  const written = isMap(chain.value) ? chain.value : {};
  const unfit = KEYS_OF_A_LAYER.filter((key) => key in written);
  const mixed = layers.findIndex((one) => typeof one === 'string');
  const first = layers.find((one) => typeof one !== 'string');
  return [
    ...(userland === 'debian'
      ? []
      : [
          {
            code: 'system-key-unfit',
            message: `layers that are images are for systems of debian, and this one is made of ${userland}`,
            hint: 'Write names of layers/<name>.',
            ...chain.locate(['layers']),
          },
        ]),
    ...unfit.map((key) => ({
      code: 'system-key-unfit',
      message: `"${key}" belongs to one of the layers here: each is an image of its own`,
      hint: `Write it in the layer that it is for: layers: [{ name: app, ${key}: … }].`,
      ...chain.locate([key]),
    })),
    ...('root' in written
      ? [
          {
            code: 'system-key-unfit',
            message: '"root" is for a root on a partition, and the layers here are files',
            hint: 'Remove the key, or extend the system debian.',
            ...chain.locate(['root']),
          },
        ]
      : []),
    ...(mixed === -1
      ? []
      : [
          {
            code: 'layers-mixed',
            message: `"layers" lists both pieces of one root and layers that are images of their own`,
            hint: 'Put the names into a layer: { name: base, layers: [base] }.',
            ...chain.locate(['layers', mixed]),
          },
        ]),
    ...(first?.layers.length === 0
      ? [
          {
            code: 'missing-key',
            message: `the lowest layer "${first.name}" has no "layers": nothing would start`,
            hint: 'Write layers: [base] in it.',
            ...chain.locate(['layers', 0]),
          },
        ]
      : []),
    ...(compression === 'none'
      ? [
          {
            code: 'invalid-value',
            message: 'layers are compressed: "compression" must be zstd or xz',
            hint: 'zstd is read faster, xz is smaller.',
            ...chain.locate(['compression']),
          },
        ]
      : []),
  ];
}

function notLayeredProblems({ userland }: Checked, chain: FileChain): Problem[] {
  const written = isMap(chain.value) ? chain.value : {};
  const keys = ['boot', ...(userland === 'debian' ? ['compression'] : [])];
  return keys
    .filter((key) => key in written)
    .map((key) => ({
      code: 'system-key-unfit',
      message: `"${key}" is for systems whose layers are images of their own, and this one has a single root`,
      hint: 'Remove the key, or extend the system layered.',
      ...chain.locate([key]),
    }));
}
