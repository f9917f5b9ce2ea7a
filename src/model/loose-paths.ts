import { mergedPath } from './software.js';

/**
 * Paths that tie a layer to the layers below it: dpkg's database, accounts and the linker's cache are one file for
 * everything below, and dpkg's settings and presets decide what packages above become.
 */
const STRICT = [
  /^var\/lib\/dpkg(\/|$)/,
  /^etc\/(passwd|group|shadow|gshadow|subuid|subgid)$/,
  /^etc\/ld\.so\.cache$/,
  /^usr\/lib\/modules(\/|$)/,
  /^etc\/dpkg\//,
  /^(etc|usr\/lib|usr\/local\/lib)\/systemd\/(system|user)-preset\//,
];

/** Whether a layer with this path is only valid over exactly the layers that it was made over. Without a slash in front. */
export function isStrictPath(path: string): boolean {
  const merged = mergedPath(`/${path}`).slice(1);
  return STRICT.some((pattern) => pattern.test(merged));
}
