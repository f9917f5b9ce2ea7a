/** Generations of 64-bit Raspberry Pis, as catalogues name them. */
const GENERATIONS = [
  { tag: 'pi3-64bit', cpu: 'cortex-a53', models: /Pi 3|Zero 2|Compute Module 3/ },
  { tag: 'pi4-64bit', cpu: 'cortex-a72', models: /Pi 4|Compute Module 4/ },
  { tag: 'pi5-64bit', cpu: 'cortex-a76', models: /Pi 5|Compute Module 5/ },
] as const;

/** Tags of os_list entries, by which Raspberry Pi Imager finds the images for a device; empty for other boards. */
export function imagerTags(models: readonly string[]): readonly string[] {
  return generationsOf(models).map(({ tag }) => tag);
}

/** The first generation's processor; undefined for other boards. */
export function raspberryPiCpu(models: readonly string[]): string | undefined {
  return generationsOf(models)[0]?.cpu;
}

function generationsOf(models: readonly string[]) {
  return GENERATIONS.filter((generation) => models.some((model) => generation.models.test(model)));
}
