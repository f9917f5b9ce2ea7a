import type { HttpRequest, Workload } from '../model/workload.js';

type Row = readonly [string, string];

/** A workload for people: one row a subject. */
export function describeWorkload(workload: Workload, files: readonly string[]): string {
  const rows: readonly Row[] = [
    ['written in', files.join(', ')],
    ...rowOf('packages', [...workload.packages, ...workload.packageFiles.map(({ path }) => path)]),
    ...rowOf(
      'files',
      workload.files.map(({ target }) => target),
    ),
    ...rowOf(
      'compiled',
      workload.programs.map(({ target }) => target),
    ),
    ['command', workload.command.join(' ')],
    ['user', String(workload.user)],
    ...rowOf('ports', workload.ports.map(String)),
    ['check', describeCheck(workload)],
    ['at its end', workload.restart === 'always' ? 'started again' : 'power off'],
    ...rowOf('list', workload.list === undefined ? [] : [workload.list]),
    ...rowOf('include', workload.include),
    ...rowOf('exclude', workload.exclude),
    ...rowOf('locales', workload.locales ?? []),
  ];
  return [workload.id, workload.description, '', ...rows.map(([name, value]) => `${name.padEnd(14)}${value}`)].join(
    '\n',
  );
}

function describeCheck({ check }: Workload): string {
  if (check === undefined) return 'none';
  return 'command' in check ? check.command.join(' ') : describeRequest(check.http);
}

/** `GET :8080/ → 200, "hello"`. */
export function describeRequest({ port, path, status, expect }: HttpRequest): string {
  return `GET :${port}${path} → ${status}${expect === undefined ? '' : `, "${expect}"`}`;
}

/** No row where there is nothing to say. */
function rowOf(name: string, values: readonly string[]): readonly Row[] {
  return values.length === 0 ? [] : [[name, values.join(', ')]];
}
