import { editorSchema } from './editor-schema.js';
import { layerSchema } from './layer-schema.js';

/** The schema that editors use for `layer.yaml`. */
export function layerJsonSchema(): Record<string, unknown> {
  return editorSchema(layerSchema, 'Layer of reswarm-os');
}
