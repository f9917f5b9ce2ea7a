import { describePath } from '../../config/wording.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import type { Problem } from '../../errors.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import type { Findings } from '../text/findings.js';
import { IMAGE_SHELLS } from './accounts.js';
import { ABSENT_MODULES } from './modules.js';
import { LEGACY_TIME_ZONES } from './time-zones.js';

/**
 * What a cloud-config asks for and the image as it is built without further packages does not have. Warnings, because
 * packages and overlays of a build may bring it: `not-in-image`, `module-not-in-image`.
 */
export function notInImage(source: YamlSource): Findings {
  const config = asMapping(source.value) ?? {};
  const warnings = [
    ...absentModules(config, source),
    ...locale(config, source),
    ...keyboard(config, source),
    ...legacyZone(config, source),
    ...snapPackages(config, source),
    ...ofUsers(config, source),
  ];
  return { problems: [], warnings };
}

type Config = Readonly<Record<string, unknown>>;

function absent(source: YamlSource, path: Path, message: string, hint: string): Problem {
  return { code: 'not-in-image', message, hint, file: source.file, ...source.locate(path) };
}

function absentModules(config: Config, source: YamlSource): Problem[] {
  return Object.entries(ABSENT_MODULES).flatMap(([key, { name, reason, hint }]): Problem[] => {
    // Switched off, it asks for nothing.
    if (!(key in config) || config[key] === false || config[key] === null) return [];
    const message = `"${key}" does nothing on this image: its module ${name} does not run, because ${reason}`;
    return [{ code: 'module-not-in-image', message, hint, file: source.file, ...source.locate([key], 'key') }];
  });
}

/** Names that need no data: they are built into the C library. */
const BUILT_IN_LOCALES = ['c', 'c.utf-8', 'c.utf8', 'posix'];

/** `locale: false` leaves it alone. */
function locale({ locale: name }: Config, source: YamlSource): Problem[] {
  if (typeof name !== 'string' || name === '' || BUILT_IN_LOCALES.includes(name.toLowerCase())) return [];
  const message = `the image has no locale "${name}": it has C.UTF-8 only, and cannot generate others (no /usr/share/i18n)`;
  return [absent(source, ['locale'], message, 'Build the image with --packages locales-all, or write C.UTF-8.')];
}

function keyboard({ keyboard: settings }: Config, source: YamlSource): Problem[] {
  if (asMapping(settings) === undefined) return [];
  const message = '"keyboard" does nothing on this image: the package console-setup is not in it';
  const hint = 'Build the image with --packages console-setup.';
  return [{ ...absent(source, ['keyboard'], message, hint), ...source.locate(['keyboard'], 'key') }];
}

function legacyZone({ timezone: name }: Config, source: YamlSource): Problem[] {
  if (typeof name !== 'string' || !LEGACY_TIME_ZONES.has(name)) return [];
  const message = `the image does not have the old time zone name "${name}": the clock would stay at UTC`;
  const hint = 'Write the new name (Area/City), or build the image with --packages tzdata-legacy.';
  return [absent(source, ['timezone'], message, hint)];
}

/** `packages: [{snap: [hello]}]`. */
function snapPackages({ packages }: Config, source: YamlSource): Problem[] {
  const items = Array.isArray(packages) ? (packages as readonly unknown[]) : [];
  return items.flatMap((item, index) =>
    asMapping(item)?.['snap'] === undefined
      ? []
      : [
          absent(
            source,
            ['packages', index],
            'the image has no snap: these packages are not installed',
            'Name packages of Debian instead.',
          ),
        ],
  );
}

function ofUsers(config: Config, source: YamlSource): Problem[] {
  const { users } = config;
  const listed = Array.isArray(users) ? (users as readonly unknown[]) : [];
  const holders: readonly (readonly [Path, unknown])[] = [
    [[], { ssh_import_id: config['ssh_import_id'] ?? undefined }],
    [['user'], config['user']],
    ...listed.map((user, index): readonly [Path, unknown] => [['users', index], user]),
    ...Object.entries(asMapping(users) ?? {}).map(([name, user]): readonly [Path, unknown] => [['users', name], user]),
  ];
  return holders.flatMap(([path, holder]) => ofUser(path, asMapping(holder) ?? {}, config, source));
}

/** Programs that cloud-init calls for a key of a user. */
const USER_KEYS: readonly (readonly [string, string, string])[] = [
  [
    'ssh_import_id',
    'program ssh-import-id',
    'Build the image with --packages ssh-import-id, or write the keys themselves.',
  ],
  [
    'ssh-import-id',
    'program ssh-import-id',
    'Build the image with --packages ssh-import-id, or write the keys themselves.',
  ],
  ['snapuser', 'snap', 'Leave it out: this image is Debian.'],
  ['selinux_user', 'SELinux, and making the user fails', 'Leave it out.'],
  ['selinux-user', 'SELinux, and making the user fails', 'Leave it out.'],
  ['doas', 'doas', 'Build the image with --packages opendoas, or write "sudo".'],
];

function ofUser(path: Path, user: Config, config: Config, source: YamlSource): Problem[] {
  const missing = USER_KEYS.filter(([key]) => user[key] !== undefined && user[key] !== null && user[key] !== false);
  const { shell } = user;
  const name = typeof shell === 'string' ? (shell.split('/').at(-1) ?? '') : '';
  const isThere =
    typeof shell !== 'string' || shell === '' || IMAGE_SHELLS.has(shell) || /^(nologin|false)$/.test(name);
  const isInstalled = JSON.stringify(config['packages'] ?? '').includes(`"${name}"`);
  return [
    ...missing.map(([key, what, hint]) =>
      absent(
        source,
        [...path, key],
        `"${describePath([...path, key])}" does nothing on this image: it has no ${what}`,
        hint,
      ),
    ),
    ...(isThere || isInstalled
      ? []
      : [
          absent(
            source,
            [...path, 'shell'],
            `the image has no ${shell}: sshd refuses a user whose shell does not exist`,
            `Build the image with --packages ${name}, add it to "packages", or write /bin/bash.`,
          ),
        ]),
  ];
}
