import type { Problem } from '../../errors.js';
import { describeFound, describePath } from '../../config/wording.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import { asMapping, readSeedYaml, yamlFindings } from '../yaml/cloud-init-yaml.js';
import type { CloudInitSchemas } from '../schemas/cloud-init-schemas.js';
import { mergeFindings, NOTHING_FOUND, type Findings } from '../text/findings.js';
import { hostnameFault } from '../text/hostname.js';
import { notInImage } from '../image/not-in-image.js';
import { imageSettings, misplacedKeys, withoutKnownElsewhere } from './misplaced-keys.js';
import { userKeys } from './user-keys.js';
import { passwordFindings } from '../passwords/passwords.js';
import { raspberryPi } from './raspberry-pi.js';
import { problemsFromSchema } from '../schemas/schema-problems.js';
import { scripts } from './scripts.js';
import type { SeedFile } from '../text/seed.js';
import { sshKeyFault } from '../text/ssh-key.js';
import { timezoneFault } from '../image/timezone.js';
import { writtenFiles } from './written-files.js';

/**
 * Checks a cloud-config down to each value. Codes: those of yamlFindings, problemsFromSchema, passwordFindings,
 * misplacedKeys, raspberryPi, scripts, writtenFiles, and `hostname-invalid`, `ssh-key-malformed`, `ssh-key-type`,
 * `ssh-key-private`, `timezone-invalid`, `wrong-type`; warnings of imageSettings and notInImage.
 */
export function checkCloudConfig(file: SeedFile, schemas: CloudInitSchemas | undefined): Findings {
  const source = readSeedYaml(file);
  const asYaml = yamlFindings(source);
  if (asYaml.problems.length > 0 || source.value === undefined || source.value === null) return asYaml;
  if (asMapping(source.value) === undefined) {
    const problem: Problem = {
      code: 'wrong-type',
      message: 'a cloud-config must be a mapping: "key: value" at the left margin',
      file: file.file,
      ...source.locate([]),
    };
    return mergeFindings(asYaml, { problems: [problem], warnings: [] });
  }
  const settings = imageSettings(source);
  const bySchema =
    schemas === undefined
      ? NOTHING_FOUND
      : problemsFromSchema(schemas.cloudConfig(withoutKnownElsewhere(source.value)), source, 'cloud-config');
  const own = mergeFindings(
    hostnames(source),
    timezone(source),
    sshKeys(source),
    passwordFindings(source),
    misplacedKeys(source),
    userKeys(source),
    raspberryPi(source),
    scripts(source),
    writtenFiles(source),
    notInImage(source),
  );
  return mergeFindings(asYaml, settings, withoutKnownPlaces(bySchema, own), own);
}

/** What the schema says of a place where we know better what was meant is left out. */
function withoutKnownPlaces({ problems, warnings }: Findings, own: Findings): Findings {
  const place = ({ line, column }: Problem): string => `${line ?? ''}:${column ?? ''}`;
  const known = new Set(own.problems.map(place));
  return { problems: problems.filter((problem) => !known.has(place(problem))), warnings };
}

function hostnames(source: YamlSource): Findings {
  const config = asMapping(source.value) ?? {};
  const problems = (['hostname', 'fqdn'] as const).flatMap((key): Problem[] => {
    const name = config[key];
    const at = { file: source.file, ...source.locate([key]) };
    if (typeof name === 'number') {
      // Quotes alone would not help.
      const message = `"${key}" must be text, found ${describeFound(name)}`;
      return [{ code: 'wrong-type', message, hint: `It needs a letter: ${key}: pi-${name}`, ...at }];
    }
    // `hostname` may hold a domain, too.
    const fault = typeof name === 'string' ? hostnameFault(name, true) : undefined;
    return fault === undefined ? [] : [{ code: 'hostname-invalid', message: `"${key}" ${fault}`, ...at }];
  });
  return { problems, warnings: [] };
}

/** cloud-init looks for the file in /usr/share/zoneinfo, and its module fails where there is none. */
function timezone(source: YamlSource): Findings {
  const name = asMapping(source.value)?.['timezone'];
  const fault = typeof name === 'string' && name !== '' ? timezoneFault(name) : undefined;
  if (fault === undefined) return NOTHING_FOUND;
  return {
    problems: [{ code: 'timezone-invalid', ...fault, file: source.file, ...source.locate(['timezone']) }],
    warnings: [],
  };
}

function sshKeys(source: YamlSource): Findings {
  const config = asMapping(source.value) ?? {};
  const users = Array.isArray(config['users']) ? (config['users'] as readonly unknown[]) : [];
  const holders: readonly (readonly [Path, unknown])[] = [
    [[], config],
    [['user'], config['user']],
    ...users.map((user, index): readonly [Path, unknown] => [['users', index], user]),
  ];
  const problems = holders.flatMap(([path, holder]) =>
    ['ssh_authorized_keys', 'ssh-authorized-keys'].flatMap((name): Problem[] => {
      const keys = asMapping(holder)?.[name];
      if (!Array.isArray(keys)) return [];
      return (keys as readonly unknown[]).flatMap((key, index): Problem[] => {
        const fault = typeof key === 'string' ? sshKeyFault(key) : undefined;
        if (fault === undefined) return [];
        const place = [...path, name, index];
        const message = `"${describePath(place)}": ${fault.message}`;
        const hint = 'Copy the whole line of the .pub file: type, key, comment.';
        return [{ code: fault.code, message, hint, file: source.file, ...source.locate(place) }];
      });
    }),
  );
  return { problems, warnings: [] };
}
