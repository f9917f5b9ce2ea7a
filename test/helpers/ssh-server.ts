import { execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { UpdateDevice } from './update-device.js';

const run = promisify(execFile);

export type SshServer = { readonly port: number; readonly process: ChildProcess };

/** Debian's sshd on a device, for the key `identity`.pub. */
export async function startSshServer(device: UpdateDevice, identity: string): Promise<SshServer> {
  const port = await freePort();
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(device.folder, 'root/etc/ssh/test_host_key')]);
  await device.write('root/.ssh/authorized_keys', await readFile(`${identity}.pub`, 'utf8'));
  await device.write(
    'etc/ssh/test_config',
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey /etc/ssh/test_host_key\nStrictModes no\nUsePAM no\nPidFile none\n` +
      'PermitRootLogin yes\nPasswordAuthentication no\nSetEnv PATH=/usr/local/bin:/usr/bin:/bin\n',
  );
  const process = device.start('/bin/sh', [
    '-c',
    'mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f /etc/ssh/test_config',
  ]);
  let said = '';
  process.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (tries > 200) throw new Error(`sshd does not answer: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { port, process };
}

export async function stopSshServer({ process }: SshServer): Promise<void> {
  if (process.exitCode !== null) return;
  process.kill('SIGTERM');
  await new Promise((resolve) => process.on('close', resolve));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.on('error', () => {
      resolve(false);
    });
    // It says who it is first.
    socket.on('data', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
