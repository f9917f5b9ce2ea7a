import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** A private folder for each test, and a way to put files into it. */
export function useFolder(): { readonly path: string; write(name: string, text: string | Buffer): Promise<string> } {
  let path = '';
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'reswarm-fleet-'));
  });
  afterEach(async () => {
    await rm(path, { recursive: true });
  });
  return {
    get path() {
      return path;
    },
    async write(name, text) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      await chmod(file, 0o600);
      return file;
    },
  };
}

/** A .flock file as the platform makes them, with made-up values. */
export function flockText(name: string, deviceKey: number, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify(
    {
      name,
      secret: `secret of ${name}`,
      swarm_key: 7,
      device_key: deviceKey,
      swarm_name: 'plant',
      swarm_owner_name: 'ada',
      serial_number: `0000-${deviceKey}`,
      device_endpoint_url: 'wss://example.org/ws',
      docker_registry_url: 'registry.example.org/',
      wlanssid: 'plant',
      password: 'a long passphrase',
      authentication: { key: `key ${deviceKey}`, certificate: `certificate ${deviceKey}` },
      ...more,
    },
    null,
    2,
  );
}
