import type { LockedPackage } from './packages.js';

/** What tells one architecture's programs from another's. */
export type ProgramKind = {
  /** e_machine of the ELF header. */
  readonly elfMachine: number;
  /** Debian's multiarch triplet: libraries lie in /usr/lib/<triplet>, so those of two architectures can stand side by side. */
  readonly triplet: string;
  /** Folder of the dynamic loader where it is not the one of the libraries. */
  readonly loaderFolder?: string;
};

const PROGRAM_KINDS: Readonly<Record<string, ProgramKind>> = {
  amd64: { elfMachine: 62, triplet: 'x86_64-linux-gnu', loaderFolder: 'usr/lib64' },
  arm64: { elfMachine: 183, triplet: 'aarch64-linux-gnu' },
};

export function programKind(architecture: string): ProgramKind | undefined {
  return PROGRAM_KINDS[architecture];
}

/**
 * Packages whose twins are not worth fetching: large, and no maintainer script calls anything of them.
 * man-db: its programs need their private libraries and are given to another user by its own script.
 */
const WITHOUT_TWIN =
  /^(?:docker|containerd|runc|tini|podman|netavark|aardvark-dns|crun|catatonit|conmon|binutils|lib(?:binutils|ctf|gprofng|sframe|magic)|groff|man-db|locales|nano|wpasupplicant|sqv)/;

export function needsNative({ name }: Pick<LockedPackage, 'name'>): boolean {
  return !WITHOUT_TWIN.test(name);
}

/**
 * Programs that stay the image's own, whatever the host: they answer "which architecture is this?", or write files that
 * depend on it, or a maintainer script changes their owner or mode (which must happen to the image's file).
 */
const OWN_PROGRAMS: readonly RegExp[] = [
  /^usr\/bin\/(?:arch|uname)$/,
  /^usr\/sbin\/ldconfig$/,
  /^usr\/bin\/apt/,
  /^usr\/lib\/(?:apt|dpkg)\//,
  /^usr\/bin\/ssh-agent$/,
  /^usr\/lib\/dbus-1\.0\/dbus-daemon-launch-helper$/,
];

/** ELF files below a root: path without leading slash → e_machine. */
export type ElfFiles = ReadonlyMap<string, number>;

/** Files of the twin tree that may stand in for the image's: programs and private libraries at the same path in both. */
export function nativePrograms(
  twins: ElfFiles,
  image: ElfFiles,
  kinds: { twin: ProgramKind; image: ProgramKind },
): readonly string[] {
  return [...twins]
    .filter(
      ([path, machine]) =>
        machine === kinds.twin.elfMachine &&
        image.get(path) === kinds.image.elfMachine &&
        !OWN_PROGRAMS.some((own) => own.test(path)),
    )
    .map(([path]) => path)
    .toSorted();
}

/**
 * dpkg's programs with another architecture's name built in. dpkg knows its own architecture as one constant string;
 * with that replaced, the twin works on the image's database as the image's own dpkg does.
 *
 * @returns undefined when the constant is not found exactly once: then the program must not be used
 */
export function retargetDpkg(program: Buffer, from: string, to: string): Buffer | undefined {
  if (from.length !== to.length) return undefined;
  const constant = Buffer.from(`\0${from}\0`, 'latin1');
  const at = program.indexOf(constant);
  if (at < 0 || program.includes(constant, at + 1)) return undefined;
  const retargeted = Buffer.from(program);
  retargeted.write(to, at + 1, 'latin1');
  return retargeted;
}

/** Programs of the package dpkg that have the architecture built in. */
export const dpkgPrograms = ['dpkg', 'dpkg-deb', 'dpkg-divert', 'dpkg-query', 'dpkg-split', 'dpkg-trigger'] as const;
