import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../../model/command.js';
import { CommandError, UserError } from '../../errors.js';
import type { Made, Stage } from '../../pipeline/stage.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { toolVersions } from '../../tools/tools-tree.js';
import { sha256 } from '../../model/sha256.js';

/** The source of an overlay; `file` is for messages. */
export type DtboSource = { readonly name: string; readonly file: string; readonly text: string };

export type DeviceTreeOverlaysInput = { readonly tools: ToolsTree; readonly overlays: readonly DtboSource[] };

/**
 * Compiles device tree overlays: `out/<name>.dtbo`, which the firmware lays over the board's device tree for
 * `dtoverlay=<name>`. Throws UserError `device-tree-overlay-invalid` with dtc's words for one that is none.
 */
export const deviceTreeOverlaysStage: Stage<DeviceTreeOverlaysInput, Made> = {
  name: 'device-tree-overlays',
  version: 1,
  group: 'Firmware',
  open: (made) => made,
  key: ({ tools, overlays }) => ({
    tools: toolVersions(tools, ['device-tree-compiler']),
    overlays: Object.fromEntries(overlays.map(({ name, text }) => [name, sha256(text)])),
  }),

  async run({ tools, overlays }, out, { host, report, work }) {
    report.step(`compiling ${overlays.length} device tree overlays`);
    const mounts = [
      { source: work, target: '/srv' },
      { source: out, target: '/mnt', writable: true },
    ];
    for (const { name, file, text } of overlays) {
      await writeFile(join(work, `${name}.dtso`), text);
      try {
        await host.runIn({ root: tools.root, mounts, cwd: '/srv' }, dtcCommand(name));
      } catch (error) {
        if (!(error instanceof CommandError) || error.code !== 'command-failed') throw error;
        throw new UserError('device-tree-overlay-invalid', `dtc cannot compile the device tree overlay ${file}`, {
          details: error.details,
          hints: ['Lines that it names count from the top of that file. C includes and macros are not expanded.'],
          cause: error,
        });
      }
    }
  },
};

/** `-@`: with symbols, so that overlays may build on overlays. */
function dtcCommand(name: string): Command {
  return {
    file: 'dtc',
    args: ['-@', '-q', '-I', 'dts', '-O', 'dtb', '-o', `/mnt/${name}.dtbo`, `${name}.dtso`],
  };
}
