import { join } from 'node:path';

/** Where boards, systems and layers are looked for. */
export type ConfigPlaces = {
  /** The shipped boards; `families/`, `kernel/` and `overlays/` lie below. */
  readonly boardsDir: string;
  /** The shipped systems. */
  readonly systemsDir: string;
  /** The shipped layers, a folder each. */
  readonly layersDir: string;
  /** The shipped workloads. */
  readonly workloadsDir: string;
  /** Paths that a person types begin here. */
  readonly cwd: string;
};

/** The folders of a checkout or an installed package of reswarm-os. */
export function configPlaces(projectDir: string, cwd: string): ConfigPlaces {
  return {
    boardsDir: join(projectDir, 'boards'),
    systemsDir: join(projectDir, 'systems'),
    layersDir: join(projectDir, 'layers'),
    workloadsDir: join(projectDir, 'workloads'),
    cwd,
  };
}
