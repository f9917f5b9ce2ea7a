import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { UserError } from '../errors.js';

const LOOPBACK = '127.0.0.1';

/**
 * A port of this machine's loopback that nobody listens at right now: the wanted one, or any. Throws UserError
 * `port-in-use`.
 */
export async function freePort(wanted?: number): Promise<number> {
  const server = createServer();
  try {
    server.listen(wanted ?? 0, LOOPBACK);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch (error) {
    throw new UserError(
      'port-in-use',
      `Port ${wanted ?? 0} of ${LOOPBACK} cannot be used: ${(error as Error).message}`,
      {
        hints: ['Choose another port.'],
        cause: error,
      },
    );
  } finally {
    server.close();
  }
}

/** Whether an ssh server answers there. QEMU takes connections long before the machine behind it does. */
export async function answersAsSsh(port: number, timeoutMs: number): Promise<boolean> {
  const socket = connect({ port, host: LOOPBACK, timeout: timeoutMs });
  return new Promise((resolve) => {
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (bytes: Buffer) => {
      end(bytes.toString('latin1').startsWith('SSH-'));
    });
    for (const event of ['error', 'close', 'timeout']) {
      socket.once(event, () => {
        end(false);
      });
    }
  });
}
