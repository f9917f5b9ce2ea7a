/**
 * What a Debian 13 image of this project has before cloud-init runs: /etc/passwd, /etc/group and the shells. Packages
 * that a user adds may bring more, so that a name which is missing here is not certainly missing on the device.
 */
export const IMAGE_USERS: ReadonlySet<string> = words(`
  root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc _apt nobody systemd-network
  systemd-timesync messagebus dhcpcd systemd-resolve sshd
`);

export const IMAGE_GROUPS: ReadonlySet<string> = words(`
  root daemon bin sys adm tty disk lp mail news uucp man proxy kmem dialout fax voice cdrom floppy tape sudo audio dip
  www-data backup operator list irc src shadow utmp video sasl plugdev staff games users nogroup systemd-journal
  systemd-network systemd-timesync input sgx clock kvm render messagebus _ssh docker netdev systemd-resolve
`);

/** Programs that a user can log in to. */
export const IMAGE_SHELLS: ReadonlySet<string> = words(
  '/bin/sh /usr/bin/sh /bin/bash /usr/bin/bash /bin/rbash /usr/bin/rbash /bin/dash /usr/bin/dash',
);

/** cloud-init's default user of Debian (`system_info.default_user` of /etc/cloud/cloud.cfg, 25.1). */
export const DEFAULT_USER = {
  name: 'debian',
  lock_passwd: true,
  shell: '/bin/bash',
  groups: ['adm', 'audio', 'cdrom', 'dialout', 'dip', 'floppy', 'plugdev', 'sudo', 'video'],
} as const;

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
