import type { Problem } from '../../errors.js';
import { describeFound } from '../../config/wording.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import { problemsFromZod } from '../../config/zod-problems.js';
import { asMapping, readSeedYaml, yamlFindings } from '../yaml/cloud-init-yaml.js';
import type { CloudInitSchemas } from '../schemas/cloud-init-schemas.js';
import { mergeFindings, NOTHING_FOUND, type Findings } from '../text/findings.js';
import { DEVICE_KINDS, foundAt, withoutKindRenderers } from './netplan-devices.js';
import { netplanRules } from './netplan-rules.js';
import { netplanText } from './netplan-text.js';
import { networkV2 } from './network-v2-schema.js';
import { changedValues } from './network-values.js';
import { wifiFindings } from './network-wifi.js';
import { keysThatAreNoText } from '../yaml/pyyaml-keys.js';
import { addressesOfVersion1, addressesOfVersion2, sameHardware } from './network-addresses.js';
import { problemsFromSchema } from '../schemas/schema-problems.js';
import { isSecretPath } from '../text/secrets.js';
import type { SeedFile } from '../text/seed.js';
import { checkText, OTHER_LIMIT_BYTES } from '../text/text-file.js';

/**
 * Checks a network-config, version 1 or 2, bare or under `network:`. Version 1 is checked by cloud-init's own schema
 * when `schemas` are at hand, version 2 by ours.
 *
 * Codes: those of checkText, readSeedYaml, problemsFromZod, problemsFromSchema, netplanRules, wifiFindings,
 * changedValues, and `network-empty`, `network-version`, `network-key-outside`, `address-invalid`,
 * `network-duplicate-mac`, `network-duplicate-address`; warning `gateway-outside`.
 */
export function checkNetworkConfig(file: SeedFile, schemas?: CloudInitSchemas): Findings {
  const asText = checkText(file, OTHER_LIMIT_BYTES);
  if (asText.problems.length > 0) return asText;
  const source = readSeedYaml(file);
  const asYaml = withKeysOfNetplan(source, yamlFindings(source));
  if (asYaml.problems.length > 0) return mergeFindings(asText, asYaml);
  return mergeFindings(asText, asYaml, checkDocument(source, schemas));
}

/** An id or an SSID that comes out as another text is an error: the device would look for another network. */
function withKeysOfNetplan(source: YamlSource, { problems, warnings }: Findings): Findings {
  const changed = keysThatAreNoText(source).flatMap((key) => (key.isChanged ? [key.problem] : []));
  const isChanged = (warning: Problem): boolean =>
    changed.some(
      ({ code, line, column }) => warning.code === code && warning.line === line && warning.column === column,
    );
  return { problems: [...problems, ...changed], warnings: warnings.filter((warning) => !isChanged(warning)) };
}

function checkDocument(source: YamlSource, schemas: CloudInitSchemas | undefined): Findings {
  const document = asMapping(source.value);
  if (document === undefined) {
    const message = `a network-config must be a mapping, found ${describeFound(source.value, true)}`;
    const hint = 'Leave the file out to use DHCP on every wired port.';
    return problem({ code: 'network-empty', message, hint, file: source.file, ...source.locate([]) });
  }
  const wrapped = 'network' in document;
  const base: Path = wrapped ? ['network'] : [];
  const network = wrapped ? asMapping(document['network']) : document;
  if (wrapped && network === undefined) {
    return problem({ code: 'network-empty', message: '"network" is empty', file: source.file, ...source.locate(base) });
  }
  if (network?.['config'] === 'disabled') return NOTHING_FOUND;
  if (network?.['version'] === 1) {
    const bySchema =
      schemas === undefined
        ? NOTHING_FOUND
        : problemsFromSchema(schemas.networkV1(source.value), source, 'network-config');
    return mergeFindings(bySchema, addressesOfVersion1(below(source, base, network)));
  }
  if (network?.['version'] !== 2) return wrongVersion(source, base, network?.['version']);
  return mergeFindings(checkVersion2(below(source, base, netplanText(network))), changedValues(source), {
    problems: wrapped ? besideNetwork(source, document) : [],
    warnings: [],
  });
}

/** An indentation that was lost: cloud-init reads what is below `network` and drops what stands beside it. */
function besideNetwork(source: YamlSource, document: Readonly<Record<string, unknown>>): Problem[] {
  const known = [...DEVICE_KINDS, 'version', 'renderer', 'config'];
  return Object.keys(document).flatMap((key): Problem[] => {
    if (!known.includes(key)) return [];
    const message = `"${key}" stands beside "network" instead of below it: cloud-init drops it without a word`;
    return [foundAt(source, [key], 'network-key-outside', message, `Indent "${key}".`, 'key')];
  });
}

function problem(found: Problem): Findings {
  return { problems: [found], warnings: [] };
}

function wrongVersion(source: YamlSource, base: Path, found: unknown): Findings {
  const message =
    found === undefined ? '"version" is missing' : `"version" must be the number 1 or 2, found ${describeFound(found)}`;
  const place = source.locate([...base, 'version']);
  return problem({ code: 'network-version', message, hint: 'Write "version: 2".', file: source.file, ...place });
}

/** The part of a source below a path, as if it were the whole. */
function below(source: YamlSource, base: Path, value: unknown): YamlSource {
  return { ...source, value, locate: (path, part) => source.locate([...base, ...path], part) };
}

function checkVersion2(source: YamlSource): Findings {
  const withoutRenderers: YamlSource = { ...source, value: withoutKindRenderers(source.value) };
  const result = networkV2.safeParse(withoutRenderers.value);
  const problems = result.success
    ? []
    : problemsFromZod(result.error, withoutRenderers, source.file, { schema: networkV2, isSecret: isSecretPath });
  return mergeFindings(
    { problems: [...problems, ...sameHardware(source)], warnings: [] },
    addressesOfVersion2(source),
    netplanRules(source),
    wifiFindings(source),
  );
}
