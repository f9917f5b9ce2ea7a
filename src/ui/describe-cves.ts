import type { CveCheck } from '../inspect/cve/check-cves.js';

/** One line for each vulnerability that is reported, and how many are not. */
export function describeCves({ release, sources, reported, silenced, passedOver }: CveCheck): readonly string[] {
  const fixable = reported.filter(({ state }) => state === 'fixable').length;
  return [
    ...reported.map(({ id, source, version, state, fixedVersion, urgency }) => {
      const what = fixedVersion === undefined ? state : `fixed in ${fixedVersion}`;
      return `${id.padEnd(16)}  ${source} ${version}: ${what}${urgency === 'not yet assigned' ? '' : `, urgency ${urgency}`}`;
    }),
    ...(reported.length === 0 ? [] : ['']),
    `${sources} source packages, Debian ${release}: ${reported.length} reported, ${fixable} of them fixed by an update`,
    `${silenced.length} silenced by VEX, ${passedOver.length} that Debian ignores or finds unimportant`,
  ];
}
