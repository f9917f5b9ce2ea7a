import { stat } from 'node:fs/promises';
import { UserError } from '../../errors.js';
import { fileSha256 } from '../../host/file-digest.js';
import type { Host } from '../../host/host.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { inspectBundle, verifyBundle } from '../../updates/bundle/inspect-bundle.js';
import type { PushedUpdate } from './push-device.js';

/** A bundle of ours, checked with a keyring where one is given. Throws what verifyBundle throws. */
export async function bundleToPush(
  path: string,
  keyring: string | undefined,
  tools: ToolsTree,
  host: Host,
): Promise<PushedUpdate> {
  const facts =
    keyring === undefined
      ? await inspectBundle(path, undefined, tools, host)
      : await verifyBundle(path, keyring, tools, host);
  const { size } = await stat(path);
  const bundle = { path, sizeBytes: size, sha256: await fileSha256(path, host.signal) };
  return { kind: 'file', bundle, version: facts.version, compatible: facts.compatible };
}

/** Throws UserError `update-url-invalid`. */
export function urlToPush(url: string): PushedUpdate {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return { kind: 'url', url };
  throw new UserError('update-url-invalid', `"${url}" is not the address of a bundle`, {
    hints: ['For example --url https://updates.example.org/gates-1.0.1.raucb'],
  });
}
