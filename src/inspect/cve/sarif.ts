import type { Json } from '../../model/json.js';
import { debPurl } from '../sbom/debian-components.js';
import type { Vulnerability } from './tracker.js';

const LEVELS: Readonly<Record<Vulnerability['state'], string>> = {
  fixable: 'error',
  open: 'warning',
  undetermined: 'note',
  ignored: 'note',
  unimportant: 'note',
};

/** Findings as SARIF 2.1.0, for code hosting services. @param image its name */
export function sarifDocument(found: readonly Vulnerability[], image: string, toolVersion: string): Json {
  const rules = [...new Map(found.map((one) => [one.id, one])).values()];
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'reswarm-os',
            version: toolVersion,
            rules: rules.map(({ id, description }) => ({
              id,
              shortDescription: { text: description === '' ? id : description.split('\n')[0] },
              helpUri: `https://security-tracker.debian.org/tracker/${id}`,
            })),
          },
        },
        results: found.map((one) => ({
          ruleId: one.id,
          level: LEVELS[one.state],
          message: { text: textOf(one) },
          locations: [
            {
              physicalLocation: { artifactLocation: { uri: encodeURI(image) } },
              logicalLocations: [{ fullyQualifiedName: debPurl(one.source, one.version, 'source'), kind: 'package' }],
            },
          ],
          partialFingerprints: { vulnerability: `${one.id}/${one.source}` },
        })),
      },
    ],
  };
}

function textOf({ id, source, version, state, fixedVersion }: Vulnerability): string {
  const what = fixedVersion === undefined ? `no fix in this release (${state})` : `fixed in ${fixedVersion}`;
  return `${id} in ${source} ${version}: ${what}`;
}
