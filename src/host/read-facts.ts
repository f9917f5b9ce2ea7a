import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import type { HostFacts } from './host.js';

const DEBIAN_ARCHITECTURE: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'armhf',
  ia32: 'i386',
};

/** @param environment the process's own, read once by the command that starts everything */
export function readHostFacts(environment: Readonly<Record<string, string | undefined>>): HostFacts {
  const home = environment.HOME ?? homedir();
  const cacheHome = environment.XDG_CACHE_HOME;
  return {
    architecture: DEBIAN_ARCHITECTURE[process.arch] ?? process.arch,
    privilege: process.getuid?.() === 0 ? 'root' : 'user-namespace',
    // An empty or relative XDG_CACHE_HOME counts as unset, says the XDG Base Directory specification.
    cacheDir: join(cacheHome?.startsWith('/') === true ? cacheHome : join(home, '.cache'), 'reswarm-os'),
    cpus: availableParallelism(),
  };
}
