import type { KernelPatch } from './kernel-build.js';

/** Files that patches add, change or remove, below the top folder of the source. */
export function patchedFiles(patches: readonly KernelPatch[]): readonly string[] {
  const lines = patches.flatMap(({ text }) => text.split('\n'));
  // patch(1) strips one folder: `a/` and `b/`. After a tab comes a date.
  const names = lines.flatMap((line) => /^(?:---|\+\+\+) [^/\s]+\/([^\t]+)/.exec(line)?.[1]?.trimEnd() ?? []);
  return [...new Set(names)].sort();
}

/** What patch(1) said of hunks that did not apply: one line each, with file, hunk and line. */
export function failedHunks(stdout: string): readonly string[] {
  const failed: string[] = [];
  let file = 'unknown file';
  for (const line of stdout.split('\n')) {
    file = /^(?:patching|checking) file '?(.+?)'?$/.exec(line)?.[1] ?? file;
    const [, hunk, at] = /^Hunk #(\d+) FAILED at (\d+)/.exec(line) ?? [];
    if (hunk !== undefined && at !== undefined) failed.push(`${file}: hunk ${hunk} does not fit at line ${at}`);
    if (/^can't find file to patch/.test(line)) failed.push('a file that it changes is not in this kernel');
    if (/^Reversed \(or previously applied\) patch detected/.test(line)) failed.push(`${file}: applied already`);
  }
  return failed;
}
