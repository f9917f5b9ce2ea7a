import type { RequiredField } from '../inspect/sbom/bsi.js';
import type { BillOfMaterials } from '../inspect/sbom/component.js';
import { COMPONENT_KINDS } from '../inspect/sbom/component.js';
import type { LicenceCoverage } from '../inspect/sbom/make-sbom.js';

const SHOWN_NAMES = 8;

/** What was found, how much of it has licences, and what a guideline misses. */
export function describeSbom(
  { components }: BillOfMaterials,
  { packages, withIds, whole, names, unread }: LicenceCoverage,
  required: readonly RequiredField[],
  { files, isDescribed }: { readonly files: readonly string[]; readonly isDescribed: boolean },
): readonly string[] {
  const counts = COMPONENT_KINDS.map((kind) => [kind, components.filter((one) => one.kind === kind).length] as const);
  const share = (part: number): string => (packages === 0 ? '' : ` (${Math.round((part / packages) * 100)} %)`);
  const missing = required.filter((one) => one.missing !== undefined);
  const listed = Object.entries(names)
    .slice(0, SHOWN_NAMES)
    .map(([name, count]) => `${name} (${count})`);
  const more = Object.keys(names).length - listed.length;
  return [
    `${components.length} components: ${counts.flatMap(([kind, count]) => (count === 0 ? [] : [`${count} ${kind}`])).join(', ')}`,
    ...(isDescribed
      ? []
      : [
          'No description (IMAGE.json) is beside the image: software without a package is not listed, except for its kernel.',
        ]),
    '',
    `Licences of ${packages} packages`,
    `  with SPDX ids    ${withIds}${share(withIds)}`,
    `  all of them ids  ${whole}${share(whole)}`,
    ...(listed.length === 0 ? [] : [`  without an id    ${listed.join(', ')}${more > 0 ? `, and ${more} more` : ''}`]),
    ...(unread.length === 0 ? [] : [`  not read         ${unread.join(', ')}`]),
    '',
    `BSI TR-03183-2 v2.1: ${required.length - missing.length} of ${required.length} fields are filled everywhere`,
    ...missing.map(({ field, filled, asked, missing: why = '' }) => `  ${field}: ${filled} of ${asked}; ${why}`),
    '',
    ...files.map((file) => `Written to ${file}`),
  ];
}
