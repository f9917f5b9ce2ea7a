import { editorSchema } from './editor-schema.js';
import { EXTENDS_DESCRIPTION } from './board-kind.js';
import { boardSchema } from './board-schema.js';

/** The schema that editors use for board files and for the families that they extend. */
export function boardJsonSchema(): Record<string, unknown> {
  return editorSchema(boardSchema, 'Board definition of reswarm-os', EXTENDS_DESCRIPTION);
}
