/** Node's own word for a failure, as `error.code`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const NETWORK_CODES = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
]);

/** node-fetch wraps all of a request's and a body's failures in FetchError and AbortError. */
export function isNetworkFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error.name === 'FetchError' ||
    error.name === 'AbortError' ||
    NETWORK_CODES.has(systemCode(error) ?? '') ||
    systemCode(error) === 'ERR_STREAM_PREMATURE_CLOSE'
  );
}

/** A certificate, a redirect loop or a name that DNS does not know (EAI_AGAIN is when it does not answer) stays so. */
export function isLastingFault(error: unknown): boolean {
  const code = systemCode(error) ?? '';
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  return (
    code === 'ENOTFOUND' ||
    code === 'EPROTO' ||
    /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(code) ||
    type === 'max-redirect' ||
    type === 'unsupported-redirect'
  );
}

export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^request to \S+ failed, reason: /, '') || (systemCode(error) ?? 'the connection failed');
}
