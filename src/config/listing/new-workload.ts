import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UserError } from '../../errors.js';
import { extendsText } from '../extends-text.js';
import { namesIn } from '../present.js';
import { workloadSchema } from '../schemas/workload-schema.js';
import { findWorkload, validateWorkloads, type WorkloadPlaces } from './workloads.js';

export type NewWorkload = { readonly id: string; readonly from: string; readonly file: string };

/**
 * Writes the definition of a new workload, which extends another one: `<id>.yaml`, or `file`. Throws UserError
 * `workload-id-invalid`, `workload-exists`, `unknown-workload`, `output-not-writable`.
 */
export async function newWorkload(
  id: string,
  options: { readonly from: string; readonly file?: string; readonly schema: string },
  places: WorkloadPlaces,
): Promise<NewWorkload> {
  if (!workloadSchema.shape.id.safeParse(id).success) {
    throw new UserError('workload-id-invalid', `"${id}" cannot be the id of a workload`, {
      hints: ['Small letters, digits and -, at most 32, for example web-2.'],
    });
  }
  if ((await namesIn(places.workloadsDir, '.yaml')).includes(id)) {
    throw new UserError('workload-exists', `"${id}" is the id of a shipped workload`, { hints: ['Take another one.'] });
  }
  const { workload: from } = await findWorkload(options.from, places);
  const file = resolve(places.cwd, options.file ?? `${id}.yaml`);
  await write(file, newWorkloadText(id, from.id, extendsText(options.from, file, places.cwd), options.schema));
  await validateWorkloads([file], places);
  return { id, from: from.id, file };
}

/** A commented workload to start from. It holds as it is; what is commented out may be taken in line by line. */
function newWorkloadText(id: string, from: string, extended: string, schema: string): string {
  return `# yaml-language-server: $schema=${schema}
# Takes over everything that is not written here. Maps are merged, lists are replaced.
# All keys: docs/minimal.md. Check it with: reswarm-os workload validate ./${id}.yaml
extends: ${extended}

id: ${id}
description: ${id}, made from ${from}.

# Debian packages that files are taken from.
# packages: [nodejs]
# Files and folders of your own; paths from this file.
# files:
#   ./server.mjs: /srv/app/server.mjs

# command: [/usr/bin/node, /srv/app/server.mjs]
# env: { TZ: UTC }
# user: 65534
# ports: [8080]

# check: { http: ':8080/', expect: hello }
# exercise:
#   - { http: ':8080/other' }

# Written by: reswarm-os workload trace ./${id}.yaml
list: ./${id}.{architecture}.list
`;
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new UserError('workload-exists', `${file} exists already`, { hints: ['Name another one with --output.'] });
    }
    throw new UserError('output-not-writable', `${file} cannot be written`, { cause: error });
  }
}
