import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage } from '../../pipeline/stage.js';
import type { SourcePackage } from '../debian/source-packages.js';
import { sourceKey, unpackSource } from '../debian/source-packages.js';
import { compileSandbox, STATIC_CFLAGS } from './compile.js';
import type { StaticLibrary } from './static-programs.js';
import type { MuslToolchain } from './toolchain.js';

/** Debian's source package. */
export const LIBYAML_SOURCE = 'libyaml';

export type LibyamlInput = { readonly toolchain: MuslToolchain; readonly source: SourcePackage };

/** Reading only: nothing of ours writes YAML on a device. */
const FILES = ['api', 'parser', 'reader', 'scanner', 'loader'];

/** Debian's libyaml as a static library against musl. */
export const libyamlStage: Stage<LibyamlInput, StaticLibrary> = {
  name: 'libyaml',
  version: 1,
  group: 'Programs',
  key: ({ toolchain, source }) => ({ toolchain: toolchain.key, source: sourceKey(source) }),
  open: ({ key, path }) => ({ name: 'yaml', key, path }),

  async run({ toolchain, source }, out, context) {
    const { host, report, work } = context;
    await unpackSource(source, work, toolchain.tools, context);
    report.step('compiling libyaml');
    const sandbox = compileSandbox(toolchain, join(work, 'source'));
    const defines = versionDefines(source.version);
    await host.runIn(sandbox, {
      file: toolchain.compiler,
      args: [
        ...[...STATIC_CFLAGS, '-ffunction-sections', '-fdata-sections', ...defines],
        ...['-Iinclude', '-Isrc', '-c', ...FILES.map((name) => `src/${name}.c`)],
      ],
    });
    // D: no times and owners in the archive.
    const objects = FILES.map((name) => `${name}.o`);
    await host.runIn(sandbox, { file: toolchain.binutil('ar'), args: ['rcsD', 'libyaml.a', ...objects] });
    await mkdir(join(out, 'include'));
    await mkdir(join(out, 'lib'));
    await copyFile(join(work, 'source/include/yaml.h'), join(out, 'include/yaml.h'));
    await copyFile(join(work, 'source/libyaml.a'), join(out, 'lib/libyaml.a'));
  },
};

/** What its configure script would find out: "0.2.5-2" → 0, 2, 5. */
function versionDefines(version: string): readonly string[] {
  const [major = '0', minor = '0', patch = '0'] = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1) ?? [];
  const text = `${major}.${minor}.${patch}`;
  const numbers = { MAJOR: major, MINOR: minor, PATCH: patch };
  return [
    `-DYAML_VERSION_STRING="${text}"`,
    ...Object.entries(numbers).map(([name, value]) => `-DYAML_VERSION_${name}=${value}`),
  ];
}
