import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UserError } from '../../errors.js';
import { extendsText } from '../extends-text.js';
import type { ConfigPlaces } from '../places.js';
import { namesIn } from '../present.js';
import { systemSchema } from '../schemas/system-schema.js';
import { findSystem, validateSystems } from './systems.js';

export type NewSystem = { readonly id: string; readonly from: string; readonly file: string };

/**
 * Writes the definition of a new system, which extends another one: `<id>.yaml`, or `file`. Throws UserError
 * `system-id-invalid`, `system-exists`, `unknown-system`, `output-not-writable`.
 */
export async function newSystem(
  id: string,
  options: { readonly from: string; readonly file?: string; readonly schema: string },
  places: ConfigPlaces,
): Promise<NewSystem> {
  if (!systemSchema.shape.id.safeParse(id).success) {
    throw new UserError('system-id-invalid', `"${id}" cannot be the id of a system`, {
      hints: ['Small letters, digits and -, at most 32, for example recorder-2.'],
    });
  }
  if ((await namesIn(places.systemsDir, '.yaml')).includes(id)) {
    throw new UserError('system-exists', `"${id}" is the id of a shipped system`, { hints: ['Take another one.'] });
  }
  const from = await findSystem(options.from, places);
  const file = resolve(places.cwd, options.file ?? `${id}.yaml`);
  await write(file, newSystemText(id, from.id, extendsText(options.from, file, places.cwd), options.schema));
  await validateSystems([file], places);
  return { id, from: from.id, file };
}

/** A commented system to start from. It holds as it is; what is commented out may be taken in line by line. */
function newSystemText(id: string, from: string, extended: string, schema: string): string {
  return `# yaml-language-server: $schema=${schema}
# Takes over everything that is not written here. Partitions are merged by name, other lists are replaced.
# All keys: docs/systems.md. Check it with: reswarm-os systems validate ./${id}.yaml
extends: ${extended}

id: ${id}
description: ${id}, made from ${from}.

# Name of a device whose seed gives none.
# hostname: ${id}

# debian, static, containerd, podman or none.
# engine: podman

# Debian packages beside those of the layers.
packages: []
# Folders that are copied over the root file system; paths from this file.
overlay: []

# partitions:
#   # One that does not grow needs room beside its content: 64M at least.
#   - { name: root, headroom: 256M }
#   # Takes what is left of the drive on the first boot.
#   - { name: data, role: data, mount: /data, size: 64M, grow: true }
`;
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new UserError('system-exists', `${file} exists already`, { hints: ['Name another one with --output.'] });
    }
    throw new UserError('output-not-writable', `${file} cannot be written`, { cause: error });
  }
}
