import type { Command } from '../model/command.js';

export type SshTarget = { readonly port: number; readonly user: string; readonly identity?: string };

/**
 * The host's ssh into a machine that is gone afterwards: its host key is new each time, so it is neither asked about nor
 * remembered, and no connection is kept for later ones.
 */
export function sshCommand(target: SshTarget, options: readonly string[], words: readonly string[]): Command {
  const settings = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'GlobalKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'ControlMaster=no',
    'ControlPath=none',
    ...(target.identity === undefined ? [] : ['IdentitiesOnly=yes']),
  ];
  return {
    file: 'ssh',
    args: [
      ...['-p', target.port.toString()],
      ...settings.flatMap((setting) => ['-o', setting]),
      ...(target.identity === undefined ? [] : ['-i', target.identity]),
      ...options,
      `${target.user}@127.0.0.1`,
      ...words,
    ],
  };
}
