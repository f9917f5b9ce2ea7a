import { basename } from 'node:path';
import type { Problem } from '../../errors.js';
import { KiB } from '../../model/bytes.js';
import type { Workload, WorkloadFile } from '../../model/workload.js';
import type { FileChain } from '../file-chain.js';
import { kindOf } from '../present.js';

/** Paths that the init and the build write themselves, and mount points. */
const RESERVED = ['/init', '/etc/reswarm', '/proc', '/sys', '/dev'];

/**
 * What no single key shows. Codes: `workload-file-not-found`, `workload-source-not-c`, `workload-target-reserved`,
 * `workload-target-twice`, `workload-port-unlisted`, `workload-settings-too-large`.
 */
export async function workloadProblems(workload: Workload, chain: FileChain): Promise<readonly Problem[]> {
  return [
    ...(await missingSources(workload, chain)),
    ...targetProblems([...workload.files, ...workload.programs]),
    ...portProblems(workload, chain),
    ...sizeProblems(workload, chain),
  ];
}

/** What native/minimal-init holds: words of a list (MOST_WORDS), and bytes of all its settings; some are the build's own. */
const MOST_WORDS = 255;
const OWN_VARIABLES = 2;
const MOST_BYTES = 60 * KiB;

/** The init would leave out what is too much. */
function sizeProblems(workload: Workload, chain: FileChain): readonly Problem[] {
  const { command, check, env, writable, ports } = workload;
  const lists = [
    { path: ['command'], words: command, most: MOST_WORDS },
    ...(check !== undefined && 'command' in check
      ? [{ path: ['check', 'command'], words: check.command, most: MOST_WORDS }]
      : []),
    {
      path: ['env'],
      words: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      most: MOST_WORDS - OWN_VARIABLES,
    },
    { path: ['writable'], words: writable, most: MOST_WORDS },
    { path: ['ports'], words: ports.map(String), most: MOST_WORDS },
  ];
  const code = 'workload-settings-too-large';
  const tooMany = lists.flatMap(({ path, words, most }): Problem[] => {
    if (words.length <= most) return [];
    const message = `"${path.join('.')}" has ${words.length} items; the init of minimal systems takes ${most}`;
    const hint = 'Put what is long into a file of its own (`files`) that the program reads.';
    return [{ code, message, hint, ...chain.locate(path) }];
  });
  const bytes = lists.flatMap(({ words }) => words).reduce((sum, word) => sum + Buffer.byteLength(word) + 16, 0);
  if (bytes <= MOST_BYTES) return tooMany;
  const largest = lists.toSorted((a, b) => b.words.join('').length - a.words.join('').length)[0];
  const message = `command, check, env, writable and ports have ${bytes} bytes together; the init of minimal systems takes ${MOST_BYTES}`;
  const hint = 'Put what is long into a file of its own (`files`) that the program reads.';
  return [...tooMany, { code, message, hint, ...chain.locate(largest?.path ?? []) }];
}

async function missingSources({ files, programs, exercise }: Workload, chain: FileChain): Promise<readonly Problem[]> {
  const scripts = exercise.flatMap((step, index) =>
    'script' in step ? [{ source: step.script, at: chain.locate(['exercise', index, 'script']) }] : [],
  );
  const problems: Problem[] = [];
  for (const { source, at } of [...files, ...programs, ...scripts]) {
    const kind = await kindOf(source);
    const wantsFile = !files.some((file) => file.source === source);
    if (kind === 'file' || (kind === 'folder' && !wantsFile)) continue;
    const message =
      kind === undefined ? `there is no file ${source}` : `${source} is a folder, and a file is wanted here`;
    const hint = 'Paths begin at the file that they are written in.';
    problems.push({ code: 'workload-file-not-found', message, hint, ...at });
  }
  for (const { source, at } of programs) {
    if (source.endsWith('.c')) continue;
    const hint = 'Only C files are compiled. A program that is compiled already belongs into "files".';
    problems.push({ code: 'workload-source-not-c', message: `${basename(source)} is not a C file`, hint, ...at });
  }
  return problems;
}

function targetProblems(files: readonly WorkloadFile[]): readonly Problem[] {
  return files.flatMap(({ target, at }, index): Problem[] => {
    const reserved = RESERVED.find((path) => target === path || target.startsWith(`${path}/`));
    if (reserved !== undefined) {
      const hint = 'Choose another place, for example below /srv.';
      return [{ code: 'workload-target-reserved', message: `${target}: ${reserved} belongs to the init`, hint, ...at }];
    }
    if (!files.slice(0, index).some((other) => other.target === target)) return [];
    const message = `two sources go to ${target}`;
    return [{ code: 'workload-target-twice', message, hint: 'Give each a path of its own.', ...at }];
  });
}

/** What is asked for must be forwarded, so it has to be listed. */
function portProblems({ check, exercise, ports }: Workload, chain: FileChain): readonly Problem[] {
  const asked = [
    ...(check !== undefined && 'http' in check ? [{ port: check.http.port, path: ['check', 'http'] }] : []),
    ...exercise.flatMap((step, index) =>
      'http' in step ? [{ port: step.http.port, path: ['exercise', index, 'http'] }] : [],
    ),
  ];
  return asked.flatMap(({ port, path }): Problem[] => {
    if (ports.includes(port)) return [];
    const listed = ports.length === 0 ? 'the workload lists none' : `the workload lists ${ports.join(', ')}`;
    const hint = `Write ports: [${[...ports, port].join(', ')}], or ask for the port that it listens at.`;
    return [
      {
        code: 'workload-port-unlisted',
        message: `port ${port} is asked for, and ${listed}`,
        hint,
        ...chain.locate(path),
      },
    ];
  });
}
