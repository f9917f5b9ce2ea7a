import * as z from 'zod';
import { DEFAULT_USER } from '../../model/workload.js';
import { packageList, repositoryList } from './package-schema.js';

const text = z.string().min(1, { error: 'must not be empty' });
/** The init reads its settings line by line. */
const line = z.string().regex(/^[^\n\r\0]*$/, { error: 'must be one line' });
const absolute = z.string().regex(/^\/(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\n\r\0]*[^/\n\r\0]$/, {
  error: 'must be an absolute path without . and .. and without / at its end',
});
const glob = z
  .string()
  .regex(/^\/[^\n\r\0]+$/, { error: 'must be an absolute path; * and ? match within a folder, ** across' });
const port = z.int().min(1).max(65_535);
const address = z.string().regex(/^:(?:[1-9]\d{0,4})\/[^\s]*$/, {
  error: 'must be a port and a path, for example ":8080/"',
});
const status = z.int().min(100).max(599).default(200).describe('Expected status.');
const expected = text.optional().describe('Text that the answer must hold.');

const httpCheck = z.strictObject({
  http: address.describe('Port and path that are asked for: ":8080/".'),
  status,
  expect: expected,
});
const commandCheck = z.strictObject({
  command: z
    .array(line)
    .min(1)
    .describe('Absolute path of a program in the system, and its arguments; it passes when it ends with 0.'),
});
const scriptStep = z.strictObject({
  script: text.describe(
    'Script on this machine; its path from this file. RESWARM_PORT_8080 holds the port of this machine that leads to 8080.',
  ),
});

/** A workload file, as YAML has it. */
export const workloadSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, { error: 'must be small letters, digits and -, at most 32' })
    .describe('Name of the workload: small letters, digits and -.'),
  description: text.describe('One sentence: what it does.'),
  packages: packageList
    .default([])
    .describe(
      'Debian packages that files are taken from, as apt names them; what they depend on comes by itself. A path is a .deb of your own.',
    ),
  repositories: repositoryList.default([]).describe('Other apt repositories, each with its key.'),
  files: z
    .record(text, absolute)
    .default({})
    .describe('Files and folders of your own: path from this file → absolute path in the system.'),
  compile: z
    .record(text, absolute)
    .default({})
    .describe('C files that become static programs (musl): path from this file → absolute path in the system.'),
  command: z
    .tuple([absolute], line)
    .describe('Absolute path of the program, and its arguments. There is no shell in between.'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of a variable' }), line)
    .default({})
    .describe('Environment of the program. PATH and HOME are set where they are left out.'),
  user: z
    .union([
      z
        .int()
        .min(0)
        .max(2 ** 32 - 2),
      z.string().regex(/^[a-z_][a-z0-9_-]*$/, { error: 'must be the name or the number of a user' }),
    ])
    .default(DEFAULT_USER)
    .describe('Name or number of the user that it runs as.'),
  workingFolder: z
    .union([z.literal('/'), absolute])
    .default('/')
    .describe('Folder that it starts in.'),
  ports: z.array(port).default([]).describe('TCP ports that it listens at.'),
  check: z
    .union([httpCheck, commandCheck])
    .optional()
    .describe('What proves that it works: an HTTP answer, or a program in the system that ends with 0.'),
  exercise: z
    .array(z.union([httpCheck, scriptStep]))
    .default([])
    .describe('What a trace does beside the check, so that files that are read late are seen too.'),
  restart: z
    .enum(['always', 'never'])
    .default('always')
    .describe('What happens when the command ends: it is started again, or the machine powers off.'),
  writable: z
    .array(absolute)
    .default([])
    .describe('Folders that belong to its user; /tmp and /run may be written to anyway.'),
  list: text
    .optional()
    .describe(
      'The committed list of its files, written by `workload trace`; its path from this file. {architecture} stands for amd64 or arm64.',
    ),
  include: z
    .array(glob)
    .default([])
    .describe('Paths that go in though no trace saw them. A folder means all below it.'),
  exclude: z.array(glob).default([]).describe('Paths that stay out though a trace saw them.'),
  locales: z
    .array(z.string().regex(/^[a-z]{2,3}(?:[-_][A-Za-z0-9]+)*$/, { error: 'must be a language such as en or pt-BR' }))
    .min(1)
    .optional()
    .describe("Languages that ICU's data keep, such as [en, de]; all of them where this is left out."),
});

export type WorkloadDefinition = z.output<typeof workloadSchema>;
