/** Where distributions keep programs. A user's PATH often lacks the `sbin` ones, `su` without `-` keeps it for root. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** For the few programs of util-linux that run before anything else is known of the machine. */
export const BARE_ENVIRONMENT = { PATH: SYSTEM_FOLDERS.join(':'), LANG: 'C.UTF-8' } as const;

/**
 * What of the caller's environment programs on this machine may go by: the system's own programs come first, so that a
 * `tar` or `gpg` in the caller's home does not shape an image; programs relative to the working folder do not count.
 */
export function programEnvironment(
  callers: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const own = (callers.PATH ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return { ...callers, PATH: [...new Set([...SYSTEM_FOLDERS, ...own])].join(':') };
}
