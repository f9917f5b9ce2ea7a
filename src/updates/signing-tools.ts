import type { Host, Output, RunOptions } from '../host/host.js';
import type { Mount } from '../model/sandbox.js';
import type { ToolsTree } from '../tools/tools-tree.js';

/** A POSIX shell script for programs of the tree. */
export type SigningScript = {
  /** Its words are "$1", "$2", …; its secrets are the variables S1, S2, …. */
  readonly text: string;
  readonly words?: readonly string[];
  /** They come through stdin: nobody can read them in the arguments of a process or in a file. */
  readonly secrets?: readonly string[];
  readonly mounts?: readonly Mount[];
  readonly env?: Readonly<Record<string, string>>;
};

/**
 * Runs openssl and rauc of the tree, without the network. Throws what `runIn` throws; a secret never shows up in that.
 */
export async function runSigning(
  { text, words = [], secrets = [], mounts = [], env = {} }: SigningScript,
  tools: ToolsTree,
  host: Host,
  options: RunOptions = {},
): Promise<Output> {
  const names = secrets.map((_, index) => `S${(index + 1).toString()}`);
  const reads = names.map((name) => `IFS= read -r ${name}; export ${name}`);
  return host.runIn(
    { root: tools.root, mounts },
    {
      file: 'sh',
      args: ['-c', ['set -e', ...reads, text].join('\n'), 'sh', ...words],
      env,
      ...(secrets.length === 0 ? {} : { stdin: secrets.map((secret) => `${secret}\n`).join('') }),
    },
    options,
  );
}
