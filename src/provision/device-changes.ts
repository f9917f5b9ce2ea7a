import { systemOfBootVolume } from '../images/system-marker.js';
import { checkSeed } from '../seeds/check-seed.js';
import { checkTinySeed, TINY_DEFAULT_SEED } from '../seeds/tiny/check-tiny-seed.js';
import type { CloudInitSchemas } from '../seeds/schemas/cloud-init-schemas.js';
import { asMapping, readSeedYaml } from '../seeds/yaml/cloud-init-yaml.js';
import { finishSeed } from '../seeds/compose/finish-seed.js';
import { AUTOMATIC_INSTANCE_ID } from '../seeds/compose/meta-data.js';
import type { Seed, SeedFile, SeedFiles } from '../seeds/text/seed.js';
import { SEED_FILE_NAMES } from '../seeds/text/seed.js';
import type { Findings } from '../seeds/text/findings.js';
import { passwordHasher } from '../seeds/passwords/sha512-crypt.js';
import { applyEdits } from '../seeds/yaml/text-edit.js';
import { setTopLevel } from '../seeds/yaml/yaml-edit.js';
import type { DeviceIdentity } from '../seeds/device/device-identity.js';
import { hashPasswords, seedOf } from '../seeds/device/identity.js';
import { cmdlineInstanceId, cmdlineSeedFrom, withCmdlineIdentity, withDiskId } from '../formats/command-line.js';
import { CMDLINE_LIMIT } from '../formats/command-line.js';
import { withGrubCommandLines } from '../formats/grub-cfg.js';
import { configLineProblems, withConfigLines } from '../formats/config-txt.js';
import type { ReadAt } from '../model/read-at.js';
import type { Problem } from '../errors.js';
import { UserError } from '../errors.js';
import type { BootChanges, BootPartitionView } from '../images/edit-boot-files.js';
import { lostConfigLines } from './lost-config-lines.js';
import { diskIdExtents } from './disk-id.js';
import { selectorProblems } from './selector-files.js';
import { sha256 } from '../model/sha256.js';

export type DeviceChangesOptions = {
  /** What an image without a seed gets: the project's `cloud-init/`. */
  readonly defaults: SeedFiles;
  /** Of the cloud-init in the image; without them all is checked that needs none. */
  readonly schemas?: CloudInitSchemas;
  readonly sourceDateEpoch: number;
  /** A disk id, PARTUUIDs and a volume serial of its own, derived from the instance-id. */
  readonly uniqueDisk?: boolean;
  /** Instances that the card has already been: cloud-init would take one of them for done. */
  readonly usedInstanceIds?: readonly string[];
  /** Take a new instance even where the content stays the same. */
  readonly newInstance?: boolean;
};

export type DeviceChanges = {
  readonly changes: BootChanges;
  readonly seed: Seed;
  readonly instanceId: string;
  /** The one that the image had; undefined where it had none. */
  readonly instanceIdBefore: string | undefined;
  readonly diskId: string;
  /** What reads the seed on the device: cloud-init when its id is new, the init of a tiny system on each boot. */
  readonly seedReader: 'cloud-init' | 'init';
  readonly warnings: readonly Problem[];
};

/**
 * What has to change on an image's boot partition for it to be that device. The image's own seed is the base; its
 * instance-id changes with its content and with nothing else. Throws UserError with every problem of the identity.
 */
export async function deviceChanges(
  view: BootPartitionView,
  read: ReadAt,
  identity: DeviceIdentity,
  options: DeviceChangesOptions,
): Promise<DeviceChanges> {
  const present = await readSeed(view);
  const system = await systemOfBootVolume(view);
  if (system?.userland === 'workload') throw noSeedReader(system.system);
  const isTiny = system?.userland === 'busybox';
  const base = withDefaults(present, isTiny ? TINY_DEFAULT_SEED : options.defaults);
  const check = (files: SeedFiles): Findings =>
    isTiny ? checkTinySeed(files, system.hasSsh) : checkSeed(files, options.schemas);
  const cmdline = await text(view, 'cmdline.txt');
  const hash = passwordHasher([present.userData?.text ?? '']);
  const composed = seedOf(hashPasswords(identity, hash), base);
  const found = check(composed.files);
  // What the image came with is not this person's mistake, and cannot be mended by their flags.
  const known = new Set(check(base).problems.map(problemName));
  const problems = [
    ...composed.problems,
    ...(await selectorProblems(view, identity)),
    ...configLineProblems(identity.configTxt ?? []),
    ...(await lostConfigLines(view, identity.configTxt ?? [])),
    ...found.problems.filter((problem) => !known.has(problemName(problem))),
  ];
  if (problems.length > 0) throw UserError.fromProblems(problems);
  const inherited = found.problems.filter((problem) => known.has(problemName(problem)));

  const finished = finishSeed(composed.files, hash);
  const idBefore = (cmdline === undefined ? undefined : cmdlineInstanceId(cmdline)) ?? instanceIdOf(present.metaData);
  const seed = withFittingInstance(finished, composed.files.metaData, present, idBefore, options);
  const instanceId = instanceIdOf({ file: SEED_FILE_NAMES.metaData, text: seed.metaData }) ?? '';
  const files = new Map<string, Uint8Array | string | undefined>([
    [SEED_FILE_NAMES.userData, seed.userData],
    [SEED_FILE_NAMES.metaData, seed.metaData],
    ...(seed.networkConfig === undefined ? [] : [[SEED_FILE_NAMES.networkConfig, seed.networkConfig] as const]),
  ]);
  if (options.uniqueDisk === true && view.table.scheme === 'gpt') throw gptKeepsItsIds();
  const disk = options.uniqueDisk === true ? uniqueDisk(instanceId) : undefined;
  const diskId = disk?.diskId ?? view.table.diskId;
  if (cmdline !== undefined) {
    const line = ofDevice(cmdline);
    if (line.trimEnd().length > CMDLINE_LIMIT) throw cmdlineTooLong(line.trimEnd().length);
    files.set('cmdline.txt', line);
  }
  // A PC's boot loader has the same words in a file of its own, and people may have changed either.
  const grubCfg = await text(view, 'grub.cfg');
  if (grubCfg !== undefined) files.set('grub.cfg', withGrubCommandLines(grubCfg, ofDevice));
  if ((identity.configTxt ?? []).length > 0) {
    files.set('config.txt', withConfigLines((await text(view, 'config.txt')) ?? '', identity.configTxt ?? []));
  }
  const names = await view.names();
  for (const { path, content, replaces } of identity.files ?? []) {
    for (const name of names) if (replaces?.test(name) === true && name !== path) files.set(name, undefined);
    files.set(path, content);
  }
  return {
    changes: {
      files,
      sourceDateEpoch: options.sourceDateEpoch,
      ...(disk === undefined ? {} : { fatSerial: disk.fatSerial }),
      ...(disk === undefined ? {} : { extents: await diskIdExtents(read, view.table, disk.diskId, cmdline ?? '') }),
    },
    seed,
    instanceId,
    instanceIdBefore: idBefore,
    diskId,
    seedReader: isTiny ? 'init' : 'cloud-init',
    warnings: [
      ...inherited,
      ...composed.warnings,
      ...found.warnings,
      ...elsewhere(cmdline),
      ...(isTiny ? [] : sameId(seed)),
    ],
  };

  function ofDevice(commandLine: string): string {
    return withDiskId(withCmdlineIdentity(commandLine, instanceId, identity.hostname), view.table.diskId, diskId);
  }

  function sameId(next: Seed): Problem[] {
    const isSame = instanceId === idBefore && !isSameContent(next, present);
    if (!isSame) return [];
    const message = `the seed changes but the instance-id stays "${instanceId}": a device that has booted with it ignores the change`;
    return [{ code: 'instance-id-kept', message, hint: 'Leave the instance-id to us, or choose a new one.' }];
  }
}

function noSeedReader(system: string): UserError {
  return new UserError('userland-unfit', `The image has the system ${system}, which reads no seed`, {
    hints: ['Put settings into the files or the environment of its workload, and build it again.'],
  });
}

type Present = { readonly [Key in keyof SeedFiles]?: SeedFile | undefined };

async function readSeed(view: BootPartitionView): Promise<Present> {
  const file = async (name: string): Promise<SeedFile | undefined> => {
    const content = await text(view, name);
    return content === undefined ? undefined : { file: name, text: content };
  };
  return {
    userData: await file(SEED_FILE_NAMES.userData),
    metaData: await file(SEED_FILE_NAMES.metaData),
    networkConfig: await file(SEED_FILE_NAMES.networkConfig),
  };
}

function withDefaults({ userData, metaData, networkConfig }: Present, defaults: SeedFiles): SeedFiles {
  // Another system's network-config is for its own renderer; where it has none, it has its own ways.
  const network = networkConfig ?? (userData === undefined ? defaults.networkConfig : undefined);
  return {
    userData: userData ?? defaults.userData,
    metaData: metaData ?? defaults.metaData,
    ...(network === undefined ? {} : { networkConfig: network }),
  };
}

async function text(view: BootPartitionView, path: string): Promise<string | undefined> {
  const bytes = await view.readFile(path);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
}

function problemName({ code, message, file }: Problem): string {
  return JSON.stringify([code, message, file]);
}

function instanceIdOf(metaData: SeedFile | undefined): string | undefined {
  if (metaData === undefined) return undefined;
  const id = asMapping(readSeedYaml(metaData).value)?.['instance-id'];
  return typeof id === 'string' ? id : undefined;
}

/** The image's id where nothing changed, the content's digest where something did, and never one that was used. */
function withFittingInstance(
  seed: Seed,
  composed: SeedFile,
  present: Present,
  idBefore: string | undefined,
  options: DeviceChangesOptions,
): Seed {
  const isDerived = instanceIdOf(composed) === AUTOMATIC_INSTANCE_ID;
  if (!isDerived) return seed;
  const isSame = isSameContent(seed, present);
  if (isSame && options.newInstance !== true && idBefore !== undefined && present.metaData !== undefined) {
    return { ...seed, metaData: present.metaData.text };
  }
  const derived = instanceIdOf({ file: SEED_FILE_NAMES.metaData, text: seed.metaData }) ?? '';
  const used = new Set([...(options.usedInstanceIds ?? []), ...(idBefore === undefined ? [] : [idBefore])]);
  let id = derived;
  for (let round = 1; used.has(id); round += 1) id = `reswarm-${sha256(`${derived}\0${round}`).slice(0, 16)}`;
  return { ...seed, metaData: withId(seed.metaData, id) };
}

function isSameContent(seed: Seed, { userData, metaData, networkConfig }: Present): boolean {
  return (
    seed.userData === userData?.text &&
    seed.networkConfig === networkConfig?.text &&
    withId(seed.metaData, '') === withId(metaData?.text ?? '', '')
  );
}

function withId(metaData: string, id: string): string {
  const edit = setTopLevel(readSeedYaml({ file: SEED_FILE_NAMES.metaData, text: metaData }), 'instance-id', id);
  return edit === undefined ? metaData : applyEdits(metaData, [edit]);
}

/** The same instance always has the same disk id, so that doing it twice changes nothing. Zero means "none". */
function uniqueDisk(instanceId: string): { readonly diskId: string; readonly fatSerial: string } {
  const hex = (purpose: string): string => sha256(`reswarm-os ${purpose}\0${instanceId}`).slice(0, 8);
  return { diskId: hex('disk id').replace(/^0{8}$/, '00000001'), fatSerial: hex('fat serial').toUpperCase() };
}

function elsewhere(cmdline: string | undefined): Problem[] {
  const place = cmdline === undefined ? undefined : cmdlineSeedFrom(cmdline);
  if (place === undefined || /^(file:\/\/)?\/boot(\/firmware)?\/?$/.test(place)) return [];
  const message = `cmdline.txt sends cloud-init to ${place} for its seed; what is written here may not be read`;
  return [{ code: 'seed-read-elsewhere', message, file: 'cmdline.txt' }];
}

function gptKeepsItsIds(): UserError {
  return new UserError(
    'unique-disk-id-gpt',
    'A disk with a GPT gets no id of its own here: its GUIDs stay as they are',
    {
      hints: ['Leave --unique-disk-id out. Two such disks in one machine must not be mounted by PARTUUID.'],
    },
  );
}

function cmdlineTooLong(length: number): UserError {
  return new UserError(
    'cmdline-too-long',
    `cmdline.txt would have ${length} characters; the firmware and the kernel take ${CMDLINE_LIMIT}`,
  );
}
