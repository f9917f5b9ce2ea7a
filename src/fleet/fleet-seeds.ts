import { IdentityReader } from './definition/device-identity.js';
import { deviceProblem, type Fleet, type FleetDevice } from './definition/fleet.js';
import { seedOf } from '../seeds/device/identity.js';
import type { DeviceIdentity } from '../seeds/device/device-identity.js';
import { asMapping, readSeedYaml } from '../seeds/yaml/cloud-init-yaml.js';
import type { SeedRules } from '../seeds/seed-rules.js';
import { NOTHING_FOUND, type Findings } from '../seeds/text/findings.js';
import { AUTOMATIC_INSTANCE_ID } from '../seeds/compose/meta-data.js';
import type { SeedFiles } from '../seeds/text/seed.js';
import { configLineProblems } from '../formats/config-txt.js';
import type { Problem } from '../errors.js';

export type DeviceSeed = Findings & {
  readonly device: FleetDevice;
  readonly identity: DeviceIdentity;
  /** Put together and checked, not yet finished. */
  readonly files: SeedFiles;
};

/**
 * The seed of each device, one after the other: nothing of a device is kept when the next one comes, so a fleet of any
 * size takes the same memory. Each is checked as `seed check` does it for
 * the system that will read it.
 *
 * Codes: those of IdentityReader, seedOf, checkSeed, `config-txt-invalid`, `fleet-duplicate-instance-id`.
 *
 * @param rules whose default seed the devices' values are worked into, where they bring no files of their own
 */
export async function* fleetSeeds(fleet: Fleet, rules: SeedRules, signal: AbortSignal): AsyncGenerator<DeviceSeed> {
  const reader = new IdentityReader();
  const base = rules.defaults;
  const given = new GivenFiles(rules);
  const instances = new Map<string, FleetDevice>();
  for (const device of fleet.devices) {
    signal.throwIfAborted();
    const { identity, problems, warnings } = await reader.read(device);
    // What could not be read would only be missed once more.
    const composed = problems.length > 0 ? { ...NOTHING_FOUND, files: base } : seedOf(identity, base);
    const own = given.check({ ...base, ...ownFiles(identity) });
    const whole = own.fresh ? own.findings : { problems: [], warnings: own.findings.warnings };
    const isReadable = problems.length === 0 && composed.problems.length === 0 && own.findings.problems.length === 0;
    const checked = isReadable ? rules.check(composed.files) : { problems: [], warnings: [] };
    yield {
      device,
      identity,
      files: composed.files,
      problems: [
        ...problems,
        ...whole.problems,
        ...[...composed.problems, ...checked.problems].map((problem) => ofDevice(device, problem)),
        ...configLineProblems(identity.configTxt ?? []).map((problem) =>
          deviceProblem(device, ['config-txt'], problem),
        ),
        ...sameInstance(device, composed.files, instances),
      ],
      warnings: [...warnings, ...checked.warnings.map((warning) => ofDevice(device, warning))],
    };
  }
}

/** Checks the files that a fleet brings as they are, so that their mistakes are shown once and where they stand. */
class GivenFiles {
  private readonly known = new Map<string, Findings>();

  constructor(private readonly rules: SeedRules) {}

  check(files: SeedFiles): { readonly findings: Findings; readonly fresh: boolean } {
    const name = [files.userData.file, files.metaData.file, files.networkConfig?.file ?? ''].join('\0');
    const known = this.known.get(name);
    if (known !== undefined) return { findings: known, fresh: false };
    const { problems } = this.rules.check(files);
    const findings = { problems, warnings: [] };
    this.known.set(name, findings);
    return { findings, fresh: true };
  }
}

function ownFiles({ userData, metaData, networkConfig }: DeviceIdentity): Partial<SeedFiles> {
  return {
    ...(userData === undefined ? {} : { userData }),
    ...(metaData === undefined ? {} : { metaData }),
    ...(networkConfig === undefined ? {} : { networkConfig }),
  };
}

/** Lines of a generated text are nowhere to be found; the device is, in its list. */
function ofDevice(device: FleetDevice, { code, message, hint, file }: Problem): Problem {
  const about = file === undefined ? message : `${message} (in its ${kindOf(file)})`;
  return deviceProblem(device, ['name'], { code, message: about, ...(hint === undefined ? {} : { hint }) });
}

function kindOf(file: string): string {
  return file.startsWith('cloud-init/') ? file.slice('cloud-init/'.length) : file;
}

/** A meta-data with an id of its own in it makes one instance of all devices that share the file. */
function sameInstance(device: FleetDevice, { metaData }: SeedFiles, instances: Map<string, FleetDevice>): Problem[] {
  const id = asMapping(readSeedYaml(metaData).value)?.['instance-id'];
  if (typeof id !== 'string' || id === AUTOMATIC_INSTANCE_ID) return [];
  const owner = instances.get(id);
  if (owner === undefined) {
    instances.set(id, device);
    return [];
  }
  // Two in the list were found when it was read.
  if (device.values['instance-id'] !== undefined && owner.values['instance-id'] !== undefined) return [];
  const message = `the instance-id ${id} in ${metaData.file} belongs to ${owner.name} already`;
  const hint = 'Write "instance-id: auto" into the meta-data: each device then gets one of its own.';
  return [deviceProblem(device, ['meta-data'], { code: 'fleet-duplicate-instance-id', message, hint })];
}
