import { editorSchema } from './editor-schema.js';
import { EXTENDS_DESCRIPTION } from './workload-kind.js';
import { workloadSchema } from './workload-schema.js';

/** The schema that editors use for workload files. */
export function workloadJsonSchema(): Record<string, unknown> {
  return editorSchema(workloadSchema, 'Workload of reswarm-os', EXTENDS_DESCRIPTION);
}
