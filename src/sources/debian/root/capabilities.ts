import { UserError } from '../../../errors.js';
import type { Host } from '../../../host/host.js';
import type { Sandbox } from '../../../model/sandbox.js';
import { mergedPath } from '../../../model/software.js';

/** Sets file capabilities at /mnt of the sandbox. Throws UserError `capability-file-missing`. */
export async function setCapabilities(
  capabilities: Readonly<Record<string, string>>,
  sandbox: Sandbox,
  host: Host,
): Promise<void> {
  for (const [path, value] of Object.entries(capabilities)) {
    const file = `/mnt${mergedPath(path)}`;
    const { stdout } = await host.runIn(sandbox, { file: 'sh', args: ['-c', KIND, file] });
    if (stdout.trim() !== 'file') {
      throw new UserError('capability-file-missing', `"capabilities" names ${path}, and the image has no file there`, {
        hints: ['Give the path of the program itself, not of a link to it; /usr/local/bin/agent, for example.'],
      });
    }
    await host.runIn(sandbox, { file: 'setfattr', args: ['--name=security.capability', `--value=${value}`, file] });
  }
}

const KIND = 'if [ -f "$0" ] && [ ! -L "$0" ]; then echo file; fi';
