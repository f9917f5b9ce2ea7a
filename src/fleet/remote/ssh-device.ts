import { UserError } from '../../errors.js';
import type { Command } from '../../model/command.js';

/** A device that is reached over ssh. */
export type SshDevice = {
  /** What it is called in what is said and recorded. */
  readonly name: string;
  readonly address: string;
  readonly user?: string;
  readonly port?: number;
};

export type SshSettings = {
  /** Private key; default: what ssh itself would take. */
  readonly identity: string | undefined;
  /** Of `ssh -o`, such as "StrictHostKeyChecking=accept-new". */
  readonly options: readonly string[];
};

const CONNECT_SECONDS = 15;
/** A device that restarts says nothing any more; that is found out after three of these. */
const ALIVE_SECONDS = 10;

/** "ada@gate-1.local:2222". Throws UserError `host-invalid`. */
export function parseHost(text: string): SshDevice {
  const match = /^(?:([A-Za-z_][\w.-]*)@)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9][\w.-]*)(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (match === null || (port !== undefined && (port === 0 || port > 65_535))) {
    throw new UserError('host-invalid', `"${text}" is not the name of a host`, {
      hints: ['For example gate-1.local, ada@192.0.2.7 or ada@gate-1.local:2222.'],
    });
  }
  const [, user, address = ''] = match;
  return {
    name: text,
    address: address.replace(/^\[|\]$/g, ''),
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
  };
}

/**
 * The host's own ssh, with the user's configuration and known hosts; it asks nothing.
 * @param script of a POSIX shell on the device
 */
export function sshTo({ address, user, port }: SshDevice, { identity, options }: SshSettings, script: string): Command {
  const settings = [
    'BatchMode=yes',
    `ConnectTimeout=${CONNECT_SECONDS}`,
    `ServerAliveInterval=${ALIVE_SECONDS}`,
    ...options,
  ];
  return {
    file: 'ssh',
    args: [
      ...settings.flatMap((setting) => ['-o', setting]),
      ...(identity === undefined ? [] : ['-i', identity]),
      ...(port === undefined ? [] : ['-p', port.toString()]),
      ...(user === undefined ? [] : ['-l', user]),
      '--',
      address,
      `sh -c ${quoted(script)}`,
    ],
  };
}

/** Runs a script as root: directly, or through sudo where it asks for no password. */
export function asRoot(script: string): string {
  return `if [ "$(id -u)" = 0 ]; then exec sh -c ${quoted(script)}; else exec sudo -n sh -c ${quoted(script)}; fi`;
}

/** One word of a POSIX shell. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
