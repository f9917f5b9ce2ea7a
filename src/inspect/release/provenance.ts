import type { ImageDescription } from '../../images/image-description.js';
import type { Json } from '../../model/json.js';
import { debPurl } from '../sbom/debian-components.js';

export type Subject = { readonly name: string; readonly sha256: string };

/** How an image was made, as an in-toto statement with SLSA provenance v1. */
export function provenance(
  description: ImageDescription,
  subjects: readonly Subject[],
  lock: Subject | undefined,
  builder: string,
): Json {
  const { board, packages, inputs, key, version, sourceDateEpoch, packagesAsOf } = description;
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjects.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'tag:reswarm-os,2026:image/v1',
        externalParameters: {
          board,
          ...(lock === undefined ? {} : { lock: { name: lock.name, sha256: lock.sha256 } }),
        },
        internalParameters: { key, sourceDateEpoch, packagesAsOf },
        resolvedDependencies: [
          ...(lock === undefined ? [] : [{ name: lock.name, digest: { sha256: lock.sha256 } }]),
          ...packages.map((one) => ({
            uri: debPurl(one.name, one.version, one.architecture),
            digest: { sha256: one.sha256 },
          })),
          ...inputs.flatMap(({ kind, name, sha256 }) =>
            sha256 === undefined ? [] : [{ name: `${kind}: ${name}`, digest: { sha256 } }],
          ),
        ],
      },
      runDetails: { builder: { id: builder, version: { 'reswarm-os': version } } },
    },
  };
}
