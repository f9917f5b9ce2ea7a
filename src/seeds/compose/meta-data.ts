import type { Problem } from '../../errors.js';
import { describeFound, nearestWord } from '../../config/wording.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import { asMapping, readSeedYaml, yamlFindings } from '../yaml/cloud-init-yaml.js';
import { mergeFindings, type Findings } from '../text/findings.js';
import { hostnameFault } from '../text/hostname.js';
import type { SeedFile } from '../text/seed.js';
import { publicKeysOf } from '../login/public-keys.js';
import { sshKeyFault } from '../text/ssh-key.js';
import { checkText, OTHER_LIMIT_BYTES } from '../text/text-file.js';

/** In place of an instance-id: one is derived from the content of the seed. */
export const AUTOMATIC_INSTANCE_ID = 'auto';

/** What cloud-init reads from NoCloud's meta-data; any other key is allowed, for templates to use. */
const KEYS = ['instance-id', 'local-hostname', 'dsmode', 'seedfrom', 'public-keys', 'network-interfaces'];

/**
 * Checks a meta-data. Codes: those of checkText and readYamlSource, `wrong-type`, `unknown-key`,
 * `meta-data-no-instance-id`, `hostname-invalid`, `invalid-value`, and those of sshKeyFault; warning `seed-read-elsewhere`.
 */
export function checkMetaData(file: SeedFile): Findings {
  const asText = checkText(file, OTHER_LIMIT_BYTES);
  if (asText.problems.length > 0) return asText;
  const source = readSeedYaml(file);
  const asYaml = yamlFindings(source);
  if (asYaml.problems.length > 0) return mergeFindings(asText, asYaml);
  if (source.value !== undefined && source.value !== null && asMapping(source.value) === undefined) {
    return mergeFindings(asText, {
      problems: [at(source, [], 'wrong-type', 'a meta-data must be a mapping')],
      warnings: [],
    });
  }
  const problems = [
    ...misspelt(source),
    ...instanceId(source),
    ...localHostname(source),
    ...dsmode(source),
    ...publicKeys(source),
  ];
  return mergeFindings(asText, asYaml, { problems, warnings: seedFrom(source) });
}

/** What lies there overwrites user-data and network-config, but not meta-data (DataSourceNoCloud.py, 25.1). */
function seedFrom(source: YamlSource): Problem[] {
  const place = entries(source)['seedfrom'];
  if (typeof place !== 'string' || /^(file:\/\/)?\/boot(\/firmware)?\/?$/.test(place)) return [];
  const message = `"seedfrom" sends cloud-init to ${place}: the user-data there takes the place of the one here`;
  const hint = 'Leave it out, unless another seed is to win.';
  return [at(source, ['seedfrom'], 'seed-read-elsewhere', message, hint)];
}

function at(source: YamlSource, path: Path, code: string, message: string, hint?: string): Problem {
  return { code, message, ...(hint === undefined ? {} : { hint }), file: source.file, ...source.locate(path) };
}

function entries(source: YamlSource): Readonly<Record<string, unknown>> {
  return asMapping(source.value) ?? {};
}

/** Keys of other clouds that look like ours: templates use them, cloud-init's own example has them. */
const OTHERS = [
  'instance-type',
  'instance-action',
  'instance-life-cycle',
  'hostname',
  'local-ipv4',
  'public-hostname',
  'public-ipv4',
];

/** `instance_id`, `local_hostname`: cloud-init takes them for keys of somebody else and never says a word. */
function misspelt(source: YamlSource): Problem[] {
  return Object.keys(entries(source)).flatMap((key) => {
    const meant = [...KEYS, ...OTHERS].includes(key) ? undefined : nearestWord(key, KEYS);
    if (meant === undefined) return [];
    const message = `"${key}" is not a meta-data key; cloud-init would ignore it`;
    const place = source.locate([key], 'key');
    return [{ code: 'unknown-key', message, hint: `Write "${meant}".`, file: source.file, ...place }];
  });
}

function instanceId(source: YamlSource): Problem[] {
  const found = entries(source);
  const id = found['instance-id'];
  if (typeof id === 'string' && id.trim() !== '') return [];
  if ('instance-id' in found && id !== null && id !== '') {
    const message = `"instance-id" must be text, found ${describeFound(id)}`;
    return [at(source, ['instance-id'], 'wrong-type', message, 'Put it in quotes.')];
  }
  const message = '"instance-id" is missing: cloud-init tells by it whether a device is new';
  const hint = `Add "instance-id: ${AUTOMATIC_INSTANCE_ID}", and one is made from the content of the seed.`;
  return [at(source, ['instance-id'], 'meta-data-no-instance-id', message, hint)];
}

function localHostname(source: YamlSource): Problem[] {
  const name = entries(source)['local-hostname'];
  if (name === undefined) return [];
  if (typeof name !== 'string') {
    const message = `"local-hostname" must be text, found ${describeFound(name)}`;
    return [
      at(
        source,
        ['local-hostname'],
        'wrong-type',
        message,
        'A host name needs a letter, and quotes if it looks like a number.',
      ),
    ];
  }
  const fault = hostnameFault(name, true);
  return fault === undefined ? [] : [at(source, ['local-hostname'], 'hostname-invalid', `"local-hostname" ${fault}`)];
}

function dsmode(source: YamlSource): Problem[] {
  const mode = entries(source)['dsmode'];
  if (mode === undefined || mode === 'local' || mode === 'net' || mode === 'disabled') return [];
  const message = `"dsmode" must be "local", "net" or "disabled", found ${describeFound(mode)}`;
  return [at(source, ['dsmode'], 'invalid-value', message)];
}

/** They let their owners in as the default user. */
function publicKeys(source: YamlSource): Problem[] {
  return publicKeysOf(entries(source)['public-keys']).flatMap((key, index): Problem[] => {
    const fault = sshKeyFault(key);
    if (fault === undefined) return [];
    const hint = 'Copy the whole line of the .pub file: type, key, comment.';
    return [at(source, ['public-keys', index], fault.code, `"public-keys": ${fault.message}`, hint)];
  });
}
