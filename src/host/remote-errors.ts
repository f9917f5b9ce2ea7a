import { IntegrityError, NetworkError } from '../errors.js';
import { formatSize } from '../model/bytes.js';
import { systemCode } from './network-fault.js';
import type { TransferFailure } from './transfer.js';

/** How far a file had come. */
type Progress = { readonly position: number; readonly sizeBytes: number | undefined };

const PROXY_HINT = 'Check the network and the proxy settings (http_proxy, https_proxy, no_proxy), then start again.';

/** Without the password that may be in it. */
export function shownUrl(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}

/** An answer that stays what it is, however often one asks. */
export function lastingAnswer(url: URL, status: number): NetworkError | undefined {
  if (status === 404 || status === 410) {
    return new NetworkError('download-not-found', `The server has nothing at ${shownUrl(url)} (${status})`, {
      hints: ['Was it moved or renamed? Look into the folder with a browser.'],
    });
  }
  if (status === 401 || status === 403 || status === 407) {
    return new NetworkError('download-forbidden', `The server does not give out ${shownUrl(url)} (${status})`, {
      hints: ['A name and a password can stand in the address: https://NAME:PASSWORD@server/image.img.xz'],
    });
  }
  return undefined;
}

/** Why a file cannot be fetched at all, or no further. */
export function transferError(url: URL, failure: TransferFailure, progress: Progress): NetworkError {
  if (progress.position > 0) return cutOff(url, failure, progress);
  const [code, hint] = faultOf(failure.cause);
  return new NetworkError(code, `${shownUrl(url)} cannot be fetched: ${firstLine(failure.message)}`, {
    hints: [hint],
    cause: failure,
  });
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}

function faultOf(cause: unknown): readonly [code: string, hint: string] {
  const system = systemCode(cause) ?? '';
  const type = cause instanceof Error && 'type' in cause ? String(cause.type) : '';
  if (/redirect/.test(type)) {
    return ['download-redirected', 'The server sends from one address to the next: name the one where the image is.'];
  }
  if (system === 'EPROTO')
    return ['download-tls', 'Does the server speak https there? Then a proxy or a firewall may be between.'];
  if (/CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(system)) {
    return [
      'download-tls',
      'Its certificate is not one that this machine trusts: look at the clock of this machine, and for a proxy that opens https.',
    ];
  }
  if (system === 'ENOTFOUND' || system === 'EAI_AGAIN') {
    return ['download-dns', "Is the server's name right? Else look at the network, and at the name servers (DNS)."];
  }
  return ['download-failed', PROXY_HINT];
}

/** It came in part, and its rest does not come. */
export function cutOff(url: URL, failure: TransferFailure, { position, sizeBytes }: Progress): NetworkError {
  const of = sizeBytes === undefined ? '' : ` of ${formatSize(sizeBytes)}`;
  return new NetworkError(
    'download-cut',
    `${shownUrl(url)} was cut off after ${formatSize(position)}${of}: ${failure.message}`,
    {
      hints: [
        'Start again: what is on the card already is compared, not written again. On a bad connection download it to a file first.',
      ],
      cause: failure,
    },
  );
}

/** The server's own words about a file's length do not agree with what it sends. */
export function wrongLength(url: URL, announcedBytes: number, sentBytes: number): NetworkError {
  return new NetworkError(
    'download-wrong-length',
    `The server announced ${announcedBytes} bytes of ${shownUrl(url)}, and has ${sentBytes}`,
    { hints: ['Something is wrong at the server, or at a proxy before it: try another mirror.'] },
  );
}

export function changedMeanwhile(url: URL): IntegrityError {
  return new IntegrityError('image-changed', `${shownUrl(url)} was changed while it was read`, {
    hints: ['Start again; the card does not boot until it is whole.'],
  });
}
