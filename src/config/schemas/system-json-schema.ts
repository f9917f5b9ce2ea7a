import { editorSchema } from './editor-schema.js';
import { EXTENDS_DESCRIPTION } from './system-kind.js';
import { systemSchema } from './system-schema.js';

/** The schema that editors use for system files. */
export function systemJsonSchema(): Record<string, unknown> {
  return editorSchema(systemSchema, 'System definition of reswarm-os', EXTENDS_DESCRIPTION);
}
