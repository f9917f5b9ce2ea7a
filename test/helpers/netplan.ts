import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../src/host/host.js';

/** For unpackPackages: netplan's generator and what it loads. */
export const NETPLAN_PACKAGES = ['netplan-generator', 'libnetplan1', 'libglib2.0-0t64', 'libyaml-0-2'];

/** Its words, and the files that it wrote. */
export type Generated = { readonly said: string; readonly files: Readonly<Record<string, string>> };

/** What netplan, unpacked by unpackPackages below `folder`, makes of a network-config. */
export async function generateNetplan(host: Host, tools: string, folder: string, text: string): Promise<Generated> {
  const root = await mkdtemp(join(folder, 'netplan-'));
  await mkdir(join(root, 'etc/netplan'), { recursive: true });
  const indented = text.split('\n').map((line) => `  ${line}`);
  const wrapped = text.includes('network:') ? text : `network:\n${indented.join('\n')}\n`;
  await writeFile(join(root, 'etc/netplan/50-cloud-init.yaml'), wrapped, { mode: 0o600 });
  const mounts = [
    { source: root, target: '/mnt', writable: true },
    { source: join(folder, 'unpacked'), target: '/srv' },
  ];
  const libraries = `/srv/usr/lib/${host.facts.architecture === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  const { stderr } = await host.runIn(
    { root: tools, mounts, network: false, cwd: '/mnt' },
    { file: '/srv/usr/libexec/netplan/generate', args: ['--root-dir', '/mnt'], env: { LD_LIBRARY_PATH: libraries } },
    // 1 also when there is no systemd-escape, which names the wpa_supplicant unit: the tools have no systemd.
    { okExitCodes: [0, 1] },
  );
  const files: Record<string, string> = {};
  for (const entry of await readdir(join(root, 'run'), { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (entry.isFile()) files[entry.name] = await readFile(join(entry.parentPath, entry.name), 'utf8');
  }
  return { said: stderr, files };
}

/** Whether netplan takes nothing of the file; complaints of other kinds do not count. */
export function isRefusal({ said }: Generated): boolean {
  return /Error in network definition|^ERROR: /m.test(said);
}
