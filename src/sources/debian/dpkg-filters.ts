/** `path-exclude` and `path-include` of a file in dpkg.cfg.d as dpkg's own options, in order: the last match wins. */
export function dpkgFilterOptions(configuration: string): readonly string[] {
  return configuration
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^path-(?:exclude|include)=/.test(line))
    .map((line) => `--${line}`);
}
