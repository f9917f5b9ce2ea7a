import { posix } from 'node:path';

/** A place that layers cannot be loaded from, in the words of an issue. */
export type LayerSourceFault = { readonly code: string; readonly message: string; readonly hint: string };

const HINT = 'card, initrd, or a folder: http://10.0.0.1/layers, tftp://10.0.0.1/layers, nfs://10.0.0.1/export.';

/** Why layers cannot be loaded from there; undefined for a place that the initramfs knows. Code: `layer-source-invalid`. */
export function layerSourceFault(from: string): LayerSourceFault | undefined {
  if (from === 'card' || from === 'initrd') return undefined;
  const fault = (message: string, hint = HINT): LayerSourceFault => ({ code: 'layer-source-invalid', message, hint });
  const [, scheme = '', port, path = ''] = /^([a-z]+):\/\/[^\s/:?#]+(:\d{1,5})?(\/[^\s?#]*)?$/.exec(from) ?? [];
  if (scheme === '') return fault(`"${from}" is no place that layers can be loaded from`);
  if (scheme === 'https') {
    return fault(
      'layers are not loaded by https: the initramfs has no certificates',
      'Use http: the sha256 of each layer is checked before it is mounted.',
    );
  }
  if (!['http', 'tftp', 'nfs'].includes(scheme)) return fault(`layers cannot be loaded by ${scheme}`);
  if (port !== undefined && scheme !== 'http') return fault(`a port can be given for http only, not for ${scheme}`);
  if (scheme === 'nfs' && posix.normalize(path || '/') === '/') {
    return fault(`"${from}" names no folder of the NFS server`);
  }
  return undefined;
}
