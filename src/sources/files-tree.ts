import type { Sandbox } from '../model/sandbox.js';
import type { Tree } from '../tools/tree.js';
import type { CopiedFolder } from './copy-folder.js';
import { copyFolders, folderKey, setTimes } from './copy-folder.js';

/** Nothing but folders, copied over each other: what a data partition holds at first. */
export function filesTree(folders: readonly CopiedFolder[], sourceDateEpoch: number): Tree {
  return {
    key: { folders: folders.map(folderKey), sourceDateEpoch },
    async assemble(folder, tools, { host }) {
      const sandbox: Sandbox = {
        root: tools.root,
        mounts: [{ source: folder, target: '/mnt', writable: true }],
      };
      await copyFolders(folders, sandbox, host);
      await setTimes(sourceDateEpoch, sandbox, host);
    },
  };
}
