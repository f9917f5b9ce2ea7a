import { readFile } from 'node:fs/promises';

/** What of an image's `.json` is used here. */
export type ImageDescription = {
  readonly packagesAsOf: string;
  readonly build: {
    readonly stages: readonly {
      readonly stage: string;
      readonly key: string;
      readonly cached: boolean;
      readonly durationMs: number;
    }[];
  };
};

export async function readDescription(image: string): Promise<ImageDescription> {
  return JSON.parse(await readFile(image.replace(/\.img$/, '.json'), 'utf8')) as ImageDescription;
}
