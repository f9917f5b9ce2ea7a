import { join } from 'node:path';
import type { Overlay, RootfsBuild } from './rootfs-build.js';
import { exists, inImage, scriptEnvironment } from './rootfs-build.js';

/**
 * Imports what cloud-init and netplan import at a boot, and compiles the source of each module. Without that a device
 * compiles it on its first boot, which takes a Pi 3 many seconds and 10 MB of a root that has not grown yet.
 * Bytecode of all modules would be 22 MB.
 *
 * By hash, not by time: the times of files are clamped when the image is packed.
 */
const COMPILE_WHAT_STARTS = `
import importlib, pkgutil, py_compile, sys

sys.path.append('/usr/share/netplan')
import cloudinit.config

started = [
    'cloudinit.cmd.main',
    'cloudinit.distros.debian',
    'cloudinit.handlers.cloud_config',
    'cloudinit.net.netplan',
    'cloudinit.net.networkd',
    'cloudinit.sources.DataSourceNoCloud',
    'cloudinit.sources.DataSourceNone',
    'netplan_cli.cli.core',
]
started += ['cloudinit.config.' + module.name for module in pkgutil.iter_modules(cloudinit.config.__path__)]
for name in started:
    importlib.import_module(name)

sources = {getattr(module, '__file__', None) or '' for module in list(sys.modules.values())}
for source in sorted(source for source in sources if source.startswith('/usr/') and source.endswith('.py')):
    py_compile.compile(source, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
`;

/** Only where cloud-init is installed. */
export async function byteCompile(build: RootfsBuild, overlay: Overlay): Promise<void> {
  const { root, input, context } = build;
  if (!(await exists(join(root, 'usr/bin/cloud-init')))) return;
  context.report.step('compiling what starts at boot');
  const command = { file: 'python3', args: ['-c', COMPILE_WHAT_STARTS], env: scriptEnvironment(input) };
  await context.host.runIn(inImage(build, overlay), command);
}
