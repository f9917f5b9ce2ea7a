import { resolve } from 'node:path';
import { checkSeed } from '../seeds/check-seed.js';
import type { CloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';
import type { Finding, Findings } from '../seeds/text/findings.js';
import { mergeFindings, NOTHING_FOUND, withSeverity } from '../seeds/text/findings.js';
import { loginWarnings, waysIn, type UserWays } from '../seeds/login/login-warnings.js';
import { checkMetaData } from '../seeds/compose/meta-data.js';
import { checkNetworkConfig } from '../seeds/network/network-config.js';
import { netplanVerdict } from '../seeds/network/netplan-verdict.js';
import { readDefaultSeed } from '../seeds/compose/read-seed.js';
import type { SeedFile } from '../seeds/text/seed.js';
import { cloudInitRules, tinyRules } from '../seeds/seed-rules.js';
import { checkTinySeed, type TinySeedCheck } from '../seeds/tiny/check-tiny-seed.js';
import type { TinySeedFiles } from '../seeds/tiny/tiny-seed.js';
import { checkUserData } from '../seeds/user-data/user-data.js';
import type { Problem } from '../errors.js';
import { CommandError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { findNetplan, netplanRefusal } from '../tools/netplan-generator.js';
import { checkDeviceFile, isDeviceFile } from './check-device-file.js';
import type { FoundSeedFile, SeedKind } from './seed-places.js';
import { listedFiles, namedFiles, readAll, vendorDataIn, type SeedPaths } from './find-seed-files.js';
import { missingFiles, seedOfImage, wrongNames } from './seed-places.js';

export type SeedCheckOptions = SeedPaths & {
  /** Check the seed that lies in an image, packed or not, or on a card. */
  readonly image?: string;
  /** The seed is for a system of BusyBox, which reads a subset; an image says that itself. */
  readonly isTiny?: boolean;
  /** Warnings count as errors. */
  readonly strict: boolean;
  readonly schemas: CloudInitSchemas;
  /** Holds the seed that images have by default (`cloud-init/`): a device file is worked into it. */
  readonly defaultsFolder: string;
};

export type SeedCheck = {
  readonly files: readonly { readonly file: string; readonly kind: SeedKind | 'device' | 'vendorData' }[];
  readonly findings: readonly Finding[];
  /** How each user can log in, where one user-data is checked and it tells. */
  readonly logins?: readonly UserWays[];
  readonly errors: number;
  readonly warnings: number;
  readonly valid: boolean;
};

/** Throws UserError `seed-nothing-to-check`, and what withRawImage and openBootPartition throw; all else is a finding. */
export async function checkSeedFiles(options: SeedCheckOptions, host: Host): Promise<SeedCheck> {
  const unreadable: Problem[] = [];
  const warnings: Problem[] = [];
  const image =
    options.image === undefined
      ? undefined
      : await seedOfImage(resolve(options.workingFolder, options.image), options.image, host);
  const isTiny = options.isTiny === true || image?.system?.userland === 'busybox';
  const hasSsh = image?.system?.hasSsh ?? true;
  // On a card a seed that is not whole is no seed; in a folder it may be meant to be put together with another.
  if (image !== undefined) {
    // A tiny system applies what is there.
    if (!isTiny) unreadable.push(...missingFiles(image));
    warnings.push(...wrongNames(image), ...image.warnings);
  }
  const devicePaths = options.paths.filter(isDeviceFile);
  const devices = await readAll(devicePaths, options, unreadable);
  const paths = options.paths.filter((path) => !isDeviceFile(path));
  const vendorData = [
    ...(image?.vendorData === undefined ? [] : [image.vendorData]),
    ...(await readAll(await vendorDataIn(paths, options.workingFolder), options, unreadable)),
  ];
  const found: FoundSeedFile[] = [
    ...(image?.found ?? []),
    ...(await namedFiles(options, unreadable)),
    ...(await listedFiles({ ...options, paths }, unreadable, warnings)),
  ];
  const count = found.length + devices.length + vendorData.length;
  if (count + unreadable.length + warnings.length === 0) {
    throw new UserError('seed-nothing-to-check', 'There is no user-data, meta-data or network-config here', {
      hints: ['Name files, a folder that holds them, or an image with --image.'],
    });
  }
  // What nobody can check must not pass for checked.
  const aside =
    count === 0 ? { problems: [...unreadable, ...warnings], warnings: [] } : { problems: unreadable, warnings };
  const rules = isTiny
    ? tinyRules(hasSsh)
    : cloudInitRules(await readDefaultSeed(options.defaultsFolder), options.schemas);
  const ofDevices = devices.map((file) => checkDeviceFile(file, rules));
  const built = isTiny ? judgeTiny(found, vendorData[0], hasSsh) : judge(found, vendorData, options.schemas);
  const judged = isTiny ? built : mergeFindings(built, await judgeByNetplan(found, built, host));
  const findings = withSeverity(mergeFindings(aside, judged, ...ofDevices));
  const logins = hasNoErrors(findings) ? (isTiny ? built.logins : loginsIn(found, vendorData)) : undefined;
  const shown = options.strict ? findings.map((finding): Finding => ({ ...finding, severity: 'error' })) : findings;
  const errors = shown.filter(({ severity }) => severity === 'error').length;
  return {
    files: [
      ...found.map(({ kind, file }) => ({ kind, file: file.file })),
      ...vendorData.map(({ file }) => ({ kind: 'vendorData' as const, file })),
      ...devices.map(({ file }) => ({ kind: 'device' as const, file })),
    ],
    findings: shown,
    ...(logins === undefined ? {} : { logins }),
    errors,
    warnings: shown.length - errors,
    valid: errors === 0,
  };
}

/** One of each kind is one device's seed, whose files are also compared with each other. */
function judge(
  found: readonly FoundSeedFile[],
  vendorData: readonly SeedFile[],
  schemas: CloudInitSchemas,
): TinySeedCheck {
  const ofVendors = vendorData.map((file) => checkUserData(file, schemas));
  const vendor = vendorData.length === 1 ? vendorData[0] : undefined;
  const only = (kind: SeedKind): SeedFile | undefined => {
    const ofKind = found.filter((one) => one.kind === kind);
    return ofKind.length === 1 ? ofKind[0]?.file : undefined;
  };
  const [userData, metaData, networkConfig] = [only('userData'), only('metaData'), only('networkConfig')];
  if (userData !== undefined && metaData !== undefined && found.length <= 3) {
    const files = { userData, metaData, ...(networkConfig === undefined ? {} : { networkConfig }) };
    return mergeFindings(checkSeed(files, schemas, vendor), ...ofVendors);
  }
  return mergeFindings(...ofVendors, ...found.map((one) => checkOne(one, schemas)));
}

/** Files of one device together, any other number of files one by one. */
function judgeTiny(found: readonly FoundSeedFile[], vendorData: SeedFile | undefined, hasSsh: boolean): TinySeedCheck {
  const vendor = vendorData === undefined ? {} : { vendorData };
  const isOne = new Set(found.map(({ kind }) => kind)).size === found.length;
  const seedOfFiles = (files: readonly FoundSeedFile[]): TinySeedFiles =>
    Object.fromEntries(files.map(({ kind, file }) => [kind, file]));
  if (isOne) return checkTinySeed({ ...seedOfFiles(found), ...vendor }, hasSsh);
  return mergeFindings(checkTinySeed(vendor), ...found.map((one) => checkTinySeed(seedOfFiles([one]), hasSsh)));
}

/**
 * What netplan itself says of each network-config in which nothing was found, where a build has left one here. Where it
 * cannot run (no namespaces for this user), the built-in check stands alone.
 */
async function judgeByNetplan(found: readonly FoundSeedFile[], { problems }: Findings, host: Host): Promise<Findings> {
  const files = found.flatMap(({ kind, file }) => (kind === 'networkConfig' ? [file] : []));
  const right = files.filter((file) => problems.every((problem) => problem.file !== file.file));
  const netplan = right.length === 0 ? undefined : await findNetplan(host);
  if (netplan === undefined) return NOTHING_FOUND;
  const ask = async (text: string): Promise<string | undefined> =>
    netplanRefusal(text, netplan, host).catch((error: unknown) => {
      if (error instanceof CommandError) return undefined;
      throw error;
    });
  return mergeFindings(...(await Promise.all(right.map((file) => netplanVerdict(file, ask)))));
}

function hasNoErrors(findings: readonly Finding[]): boolean {
  return findings.every(({ severity }) => severity === 'warning');
}

function loginsIn(found: readonly FoundSeedFile[], vendorData: readonly SeedFile[]): SeedCheck['logins'] {
  const [userData, other] = found.filter(({ kind }) => kind === 'userData');
  if (userData === undefined || other !== undefined) return undefined;
  const metaData = found.find(({ kind }) => kind === 'metaData');
  return waysIn(userData.file, metaData?.file, vendorData[0]);
}

function checkOne({ kind, file }: FoundSeedFile, schemas: CloudInitSchemas): Findings {
  if (kind === 'userData') return checkUserDataAlone(file, schemas);
  return kind === 'metaData' ? checkMetaData(file) : checkNetworkConfig(file, schemas);
}

function checkUserDataAlone(file: SeedFile, schemas: CloudInitSchemas): Findings {
  const own = checkUserData(file, schemas);
  if (own.problems.length > 0) return own;
  return mergeFindings(own, { problems: [], warnings: loginWarnings(file) });
}
