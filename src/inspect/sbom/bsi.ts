import type { BillOfMaterials, Component } from './component.js';

/** A field that BSI TR-03183-2 v2.1 asks for, and how many components have it. */
export type RequiredField = {
  readonly field: string;
  /** `sbom`: asked once; `component`: of each component. */
  readonly of: 'sbom' | 'component';
  readonly filled: number;
  readonly asked: number;
  /** Why the rest is missing. */
  readonly missing?: string;
};

type Rule = { readonly field: string; readonly has: (one: Component) => boolean; readonly why: string };

const RULES: readonly Rule[] = [
  {
    field: 'component creator',
    has: ({ supplier = '' }) => supplier !== '',
    why: 'kernel, static programs and files of your own name no maintainer',
  },
  { field: 'component name', has: ({ name }) => name !== '', why: '' },
  { field: 'component version', has: ({ version = '' }) => version !== '', why: 'files of your own have no version' },
  {
    field: 'filename',
    has: ({ file, kind }) => file !== undefined || kind === 'source',
    why: 'the kernel is compiled, and is not fetched as a file',
  },
  { field: 'dependencies', has: () => true, why: '' },
  {
    field: 'distribution licences',
    has: ({ licences, kind }) => kind === 'source' || (licences !== undefined && licences.spdx.length > 0),
    why: 'the copyright file is free text, or there is none',
  },
  {
    field: 'hash value of the deployable component (SHA-512)',
    has: () => false,
    why: 'Debian publishes SHA-256 of packages; the documents have those',
  },
  {
    field: 'executable, archive and structured property',
    has: ({ file, kind }) => file !== undefined || kind === 'source',
    why: 'the kernel is compiled, and is not fetched as a file',
  },
  { field: 'unique identifier (purl)', has: ({ purl }) => purl !== undefined, why: 'files of your own have none' },
];

/** Which of the required fields the bill has, and which it lacks for what reason. */
export function requiredFields(bill: BillOfMaterials): readonly RequiredField[] {
  const { components, creator } = bill;
  const hasCreator = creator?.contact !== undefined;
  return [
    {
      field: 'creator of the SBOM',
      of: 'sbom',
      filled: hasCreator ? 1 : 0,
      asked: 1,
      ...(hasCreator ? {} : { missing: 'say it with --creator and --contact' }),
    },
    { field: 'timestamp', of: 'sbom', filled: 1, asked: 1 },
    ...RULES.map(({ field, has, why }): RequiredField => {
      const filled = components.filter(has).length;
      const lacks = filled < components.length;
      return { field, of: 'component', filled, asked: components.length, ...(lacks ? { missing: why } : {}) };
    }),
  ];
}
