import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { readDeviceIni } from '../seeds/device/device-ini.js';
import { readFlock } from '../seeds/device/flock.js';
import type {
  DeviceFile,
  DeviceIdentity,
  DeviceNetwork,
  DeviceUser,
  DeviceWifi,
} from '../seeds/device/device-identity.js';
import { readSeedInputs } from '../seeds/compose/read-seed.js';
import { OTHER_LIMIT_BYTES, readSeedFile } from '../seeds/text/text-file.js';
import type { Problem } from '../errors.js';
import { UserError } from '../errors.js';

/** What a person asks for on the command line; secrets have been asked for or read from files by then. */
export type IdentityOptions = {
  readonly workingFolder: string;
  readonly projectDir: string;
  readonly userData?: string;
  readonly metaData?: string;
  readonly networkConfig?: string;
  readonly hostname?: string;
  readonly sshKeys: readonly string[];
  readonly wifi?: readonly DeviceWifi[];
  readonly network?: DeviceNetwork;
  readonly timezone?: string;
  readonly user?: DeviceUser;
  readonly configTxt: readonly string[];
  /** SRC:DST each. */
  readonly files: readonly string[];
  readonly reswarm?: string;
  readonly deviceIni?: string;
};

/**
 * Puts an identity together: what a device file says, and the flags on top. Throws UserError with every problem of
 * every file.
 */
export async function readIdentity(
  options: IdentityOptions,
): Promise<{ readonly identity: DeviceIdentity; readonly warnings: readonly Problem[] }> {
  const at = (path: string): string => resolve(options.workingFolder, path);
  const { inputs, problems } = await readSeedInputs(
    {
      ...(options.userData === undefined ? {} : { userData: at(options.userData) }),
      ...(options.metaData === undefined ? {} : { metaData: at(options.metaData) }),
      ...(options.networkConfig === undefined ? {} : { networkConfig: at(options.networkConfig) }),
      sshKeys: options.sshKeys,
    },
    resolve(options.projectDir, 'cloud-init'),
  );
  const found: Problem[] = [...problems];
  const warnings: Problem[] = [];
  const base: DeviceIdentity[] = [];
  for (const [path, read] of [
    [options.reswarm, readFlock],
    [options.deviceIni, readDeviceIni],
  ] as const) {
    if (path === undefined) continue;
    const result = await readSeedFile(at(path), OTHER_LIMIT_BYTES);
    if ('problem' in result) {
      found.push(result.problem);
      continue;
    }
    const parsed = read(result.file);
    found.push(...parsed.problems);
    warnings.push(...parsed.warnings);
    base.push(parsed.identity);
  }
  const files = await readFiles(options.files, at, found);
  if (found.length > 0) throw UserError.fromProblems(found);
  const [file = {}] = base;
  return {
    identity: {
      ...file,
      ...defined({ hostname: options.hostname, timezone: options.timezone }),
      ...(options.user === undefined ? {} : { users: [options.user] }),
      ...defined({ wifi: options.wifi, network: options.network }),
      ...(inputs.sshKeys === undefined ? {} : { sshKeys: inputs.sshKeys }),
      ...(inputs.userData === undefined ? {} : { userData: inputs.userData }),
      ...(inputs.metaData === undefined ? {} : { metaData: inputs.metaData }),
      ...(inputs.networkConfig === undefined ? {} : { networkConfig: inputs.networkConfig }),
      configTxt: options.configTxt,
      files: [...(file.files ?? []), ...files],
    },
    warnings,
  };
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Names that have flags of their own, whose content is checked there. */
const OWN_FLAGS = new Set(['user-data', 'meta-data', 'network-config', 'config.txt', 'cmdline.txt', 'grub.cfg']);

async function readFiles(
  pairs: readonly string[],
  at: (path: string) => string,
  problems: Problem[],
): Promise<DeviceFile[]> {
  const files: DeviceFile[] = [];
  for (const pair of pairs) {
    const colon = pair.lastIndexOf(':');
    const source = colon < 0 ? pair : pair.slice(0, colon);
    const wanted = (colon < 0 ? '' : pair.slice(colon + 1)).replace(/^\/+/, '').replace(/^boot\//, '');
    const path = wanted === '' || wanted.endsWith('/') ? wanted + basename(source) : wanted;
    if (OWN_FLAGS.has(path.toLowerCase())) {
      const message = `--file would replace ${path}, which is put together from the identity`;
      problems.push({
        code: 'file-has-flag',
        message,
        hint: 'Use --user-data, --meta-data, --network-config or --config-txt.',
      });
      continue;
    }
    const status = await stat(at(source)).catch(() => undefined);
    if (status?.isFile() === true) files.push({ path, content: await readFile(at(source)) });
    else
      problems.push({
        code: 'file-missing',
        message: `--file ${pair}: there is no file ${source}`,
        hint: 'Write it as SRC:DST.',
      });
  }
  return files;
}
