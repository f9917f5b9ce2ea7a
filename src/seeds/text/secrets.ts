import type { Path } from '../../config/yaml-source.js';

const SECRET_KEY = /passw|passphrase|passwd|psk|secret|token|private|credential|preshared/i;

/** Whether the value at a path may be a secret: what lies there is never shown, not even in part. */
export function isSecretPath(path: Path): boolean {
  // chpasswd.list holds "user:password" lines; ssh_keys holds private host keys.
  return path.some(
    (segment) =>
      typeof segment === 'string' && (SECRET_KEY.test(segment) || segment === 'ssh_keys' || segment === 'content'),
  );
}
