import type { Problem } from '../../errors.js';
import type { YamlSource } from '../../config/yaml-source.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import type { Findings } from '../text/findings.js';

/** Settings of the image, in /etc/cloud (cloud-init's "base configuration keys"); user-data cannot change them any more. */
const IMAGE_SETTINGS = [
  'cloud_config_modules',
  'cloud_final_modules',
  'cloud_init_modules',
  'datasource',
  'datasource_list',
  'def_log_file',
  'log_cfgs',
  'syslog_fix_perms',
  'system_info',
  'unverified_modules',
];

/** Warnings `image-setting`: nothing breaks, and nothing happens. */
export function imageSettings(source: YamlSource): Findings {
  const config = asMapping(source.value) ?? {};
  const warnings = IMAGE_SETTINGS.filter((key) => key in config).map((key): Problem => ({
    code: 'image-setting',
    message: `"${key}" is a setting of the image (/etc/cloud) and does nothing in a user-data`,
    hint: 'Put it into /etc/cloud/cloud.cfg.d with --overlay when the image is built.',
    file: source.file,
    ...source.locate([key], 'key'),
  }));
  return { problems: [], warnings };
}

/**
 * For the schema, which knows nothing of them; what `rpi` may hold is said by raspberryPi. A key that begins with
 * "x-" is the usual place for what anchors share: cloud-init passes it over, as its author expects.
 */
export function withoutKnownElsewhere(value: unknown): unknown {
  const config = asMapping(value);
  if (config === undefined) return value;
  const isKnown = (key: string): boolean => key === 'rpi' || key.startsWith('x-') || IMAGE_SETTINGS.includes(key);
  return Object.fromEntries(Object.entries(config).filter(([key]) => !isKnown(key)));
}

/** Keys that people expect in a user-data, and what does it instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  enable_ssh: 'Leave it out: ssh is on in any case.',
  network: 'Put what is below it into network-config.',
  ethernets: 'Put it into network-config.',
  wifis: 'Put it into network-config.',
  wifi: 'Put it into network-config, as "wifis".',
  'instance-id': 'Put it into meta-data.',
  'local-hostname': 'Write "hostname", or put it into meta-data.',
};

/** Problems `key-belongs-elsewhere`: cloud-init would ignore them with a line in a log. */
export function misplacedKeys(source: YamlSource): Findings {
  const config = asMapping(source.value) ?? {};
  const problems = Object.entries(ELSEWHERE)
    .filter(([key]) => key in config)
    .map(([key, hint]): Problem => ({
      code: 'key-belongs-elsewhere',
      message: `"${key}" does nothing in a user-data`,
      hint,
      file: source.file,
      ...source.locate([key], 'key'),
    }));
  return { problems, warnings: [] };
}
