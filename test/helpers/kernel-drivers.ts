import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** How a kernel answers to a device: by a driver that is part of it, by a module, or not at all. */
export type Driver = 'built in' | 'module' | undefined;

export type KernelDrivers = {
  /** For a word of a device tree's `compatible`. */
  readonly ofCompatible: (compatible: string) => Driver;
  /** By its own name, as modprobe knows it. */
  readonly named: (driver: string) => Driver;
};

/** `char compatible[128]` of `struct of_device_id`, include/linux/mod_devicetable.h. */
const COMPATIBLE_BYTES = 128;

/**
 * What drivers a kernel has. `image` is the raw Image: not every built-in driver leaves an alias (interrupt
 * controllers, timers and clocks that start before all others do not), but each has its `struct of_device_id`, and the
 * compiler puts the text into it, filled up with zeros. `modules` is the folder `lib/modules`.
 */
export async function kernelDrivers(image: string, modules: string): Promise<KernelDrivers> {
  const [release = ''] = await readdir(modules);
  const bytes = await readFile(image);
  const loaded = await readFile(join(modules, release, 'modules.alias'), 'latin1');
  const inModules = new Set(loaded.split('\n').map((line) => line.split(' ')[1] ?? ''));
  const files = await Promise.all(
    ['modules.builtin', 'modules.order'].map((name) => readFile(join(modules, release, name), 'latin1')),
  );
  const [builtIn, modular] = files.map((text) => new Set(text.split('\n').map((path) => basename(path, '.ko'))));
  const named = (driver: string): Driver =>
    builtIn?.has(driver) === true ? 'built in' : modular?.has(driver) === true ? 'module' : undefined;
  const ofCompatible = (compatible: string): Driver => {
    const entry = Buffer.alloc(COMPATIBLE_BYTES);
    entry.write(compatible, 'latin1');
    if (bytes.includes(entry)) return 'built in';
    return inModules.has(`of:N*T*C${compatible}`) ? 'module' : undefined;
  };
  // Device trees have much in common, and an Image has many bytes.
  const known = new Map<string, Driver>();
  return {
    named,
    ofCompatible(compatible) {
      if (!known.has(compatible)) known.set(compatible, ofCompatible(compatible));
      return known.get(compatible);
    },
  };
}
