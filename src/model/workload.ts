import type { PackageFile, Repository } from './packages.js';
import type { Written } from './software.js';

/** One HTTP request to a port of the workload. */
export type HttpRequest = {
  readonly port: number;
  /** With its leading slash. */
  readonly path: string;
  /** Expected. */
  readonly status: number;
  /** The answer must hold this text. */
  readonly expect?: string;
};

/** What proves that a workload works: an answer over the network, or a program in its own system that ends with 0. */
export type WorkloadCheck = { readonly http: HttpRequest } | { readonly command: readonly string[] };

/** What is done beside the check while a trace watches: a request, or a script on this machine. */
export type ExerciseStep = { readonly http: HttpRequest } | { readonly script: string };

/** A file or folder of the user's; `source` is its absolute path on this machine. */
export type WorkloadFile = { readonly source: string; readonly target: string; readonly at: Written };

/** A program and what it needs: files of packages, files of one's own, how it is started and what proves that it works. */
export type Workload = {
  readonly id: string;
  readonly description: string;
  /** Words for apt: `name`, `name=version`, `name/release`. */
  readonly packages: readonly string[];
  readonly packageFiles: readonly PackageFile[];
  readonly repositories: readonly Repository[];
  readonly files: readonly WorkloadFile[];
  /** C files that become static programs. */
  readonly programs: readonly WorkloadFile[];
  /** The program's absolute path and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Name or number. */
  readonly user: string | number;
  readonly workingFolder: string;
  /** TCP ports that it listens at. */
  readonly ports: readonly number[];
  readonly check: WorkloadCheck | undefined;
  readonly exercise: readonly ExerciseStep[];
  /** What the init does when the command ends: start it again, or power off. */
  readonly restart: 'always' | 'never';
  /** Folders that belong to the user. */
  readonly writable: readonly string[];
  /** Path of the file list, absolute; `{architecture}` in it stands for Debian's name of that. */
  readonly list: string | undefined;
  /** Globs of absolute paths: what goes in though no trace saw it, and what stays out though one did. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** ICU's data are cut to these languages; undefined: they stay whole. */
  readonly locales: readonly string[] | undefined;
  /** Where a key of the file is written, for messages. */
  readonly at: Readonly<Record<'command' | 'check' | 'list' | 'packages' | 'user' | 'locales', Written>>;
};

/** The user that a workload runs as where nothing is said: nobody. */
export const DEFAULT_USER = 65_534;

/** Where the list of a workload lies for one architecture. */
export function listPath(list: string, architecture: string): string {
  return list.replaceAll('{architecture}', architecture);
}
