import { blockYaml } from '../yaml/yaml-edit.js';
import type { Json } from '../../model/json.js';
import { asMapping, readSeedYaml } from '../yaml/cloud-init-yaml.js';
import { NOTHING_FOUND, type Findings } from '../text/findings.js';
import { isSecretPath } from '../text/secrets.js';
import type { SeedFile } from '../text/seed.js';
import { netplanText } from './netplan-text.js';

/** Asks netplan itself: why it refuses a file, or undefined. */
export type AskNetplan = (text: string) => Promise<string | undefined>;

/**
 * What netplan itself says of a network-config that checkNetworkConfig has found right. Only for version 2, which
 * cloud-init hands on as it is. Code: `netplan-refuses`.
 */
export async function netplanVerdict(file: SeedFile, ask: AskNetplan): Promise<Findings> {
  const network = networkOf(file);
  if (network === undefined) return NOTHING_FOUND;
  const refusal = await ask(blockYaml({ network: netplanText(network) } as Json));
  if (refusal === undefined) return NOTHING_FOUND;
  const message = `netplan of the image refuses this file: ${withoutSecrets(refusal, network)}`;
  const hint = 'The device would have no network. These are the words of netplan itself.';
  return { problems: [{ code: 'netplan-refuses', message, hint, file: file.file, line: 1, column: 1 }], warnings: [] };
}

function networkOf(file: SeedFile): Readonly<Record<string, unknown>> | undefined {
  const source = readSeedYaml(file);
  const document = source.problems.length > 0 ? undefined : asMapping(source.value);
  const network = document !== undefined && 'network' in document ? asMapping(document['network']) : document;
  return network?.['version'] === 2 && network['config'] !== 'disabled' ? network : undefined;
}

/** netplan may quote a value. */
function withoutSecrets(text: string, value: unknown, path: readonly string[] = []): string {
  if (typeof value === 'string') return isSecretPath(path) && value !== '' ? text.replaceAll(value, '…') : text;
  if (typeof value !== 'object' || value === null) return text;
  return Object.entries(value).reduce((kept, [key, inner]) => withoutSecrets(kept, inner, [...path, key]), text);
}
