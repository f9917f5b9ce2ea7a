import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Tells on the console who the device has become; addresses of the network that QEMU gives, with itself as gateway. */
export const USER_DATA = `#cloud-config
users: []
runcmd:
  - [sh, -c, 'for a in $(hostname -I); do echo "identity address $(hostname) $a" > /dev/kmsg; done']
  - [sh, -c, 'for k in /home/*/.ssh/authorized_keys; do echo "identity key $(hostname) $k $(cut -d" " -f2 $k)" > /dev/kmsg; done']
  - [sh, -c, 'echo "identity host-key $(hostname) $(cut -d" " -f2 /etc/ssh/ssh_host_ed25519_key.pub)" > /dev/kmsg']
`;

export type Gate = { readonly name: string; readonly user: string; readonly address: string; readonly key: string };

/** A fleet file, the user-data that its devices share, and a key pair for each. */
export async function writeGates(folder: string, users: readonly string[]): Promise<readonly Gate[]> {
  const gates: Gate[] = [];
  for (const [index, user] of users.entries()) {
    const name = `gate-${index + 1}`;
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', user, '-f', join(folder, name)]);
    const key = (await readFile(join(folder, `${name}.pub`), 'utf8')).split(' ')[1] ?? '';
    gates.push({ name, user, address: `10.0.2.${index + 21}`, key });
  }
  await writeFile(join(folder, 'user-data'), USER_DATA);
  const list = [
    'defaults:',
    '  user-data: user-data',
    "  ssh-keys: ['{name}.pub']",
    '  network: { gateway: 10.0.2.2, dns: [10.0.2.3] }',
    'devices:',
    ...gates.map(
      ({ name, user, address }) =>
        `  - { name: ${name}, user: { name: ${user} }, network: { address: ${address}/24 } }`,
    ),
    '',
  ];
  await writeFile(join(folder, 'gates.yaml'), list.join('\n'));
  return gates;
}

/** What the device said of itself on its console. */
export function identityOf(console: string): string[] {
  return [...console.matchAll(/identity (?:address|key) .*?(?=\r?\n)/g)].map(([line]) => line);
}
