import { basename, dirname, resolve } from 'node:path';
import { rename, rm, stat } from 'node:fs/promises';
import { CommandError, UserError } from '../../errors.js';
import { fileSha256 } from '../../host/file-digest.js';
import type { Host } from '../../host/host.js';
import { linkTarget, temporaryBeside } from '../../host/replace-file.js';
import type { ToolsTree } from '../../tools/tools-tree.js';
import { verifyBundle } from '../bundle/inspect-bundle.js';
import type { UsableSigner } from '../keys/choose-signer.js';
import type { KeyFolder } from '../keys/key-folder.js';
import { openSigner } from '../keys/open-signer.js';
import { runSigning } from '../signing-tools.js';

/** What a device of one board gets. */
export type ChannelUpdate = {
  readonly compatible: string;
  readonly version: string;
  /** As seen from the channel file: a name beside it, or a URL. */
  readonly bundle: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Devices with an older version do not take it. */
  readonly minimum?: string;
  /** Percent of the devices that get it. */
  readonly share: number;
};

export type Channel = {
  readonly format: 1;
  /** ISO 8601, UTC; devices take no channel that is older than one they have seen. */
  readonly at: string;
  readonly updates: readonly ChannelUpdate[];
};

export type ChannelOptions = {
  readonly output: string;
  /** One for each board. */
  readonly bundles: readonly string[];
  /** Where the bundles are, if not beside the channel file; ends with a slash. */
  readonly bundleUrl: string | undefined;
  readonly minimum: string | undefined;
  readonly share: number;
  readonly keys: KeyFolder;
  readonly signer: UsableSigner;
  readonly secret: string | undefined;
  readonly tokenFolder: string | undefined;
};

/**
 * Writes a signed channel file, whole or not at all. Throws what verifyBundle and openSigner throw, UserError
 * `channel-board-twice`, `channel-url-invalid`, `channel-not-made`.
 */
export async function makeChannel(options: ChannelOptions, tools: ToolsTree, host: Host, now: Date): Promise<Channel> {
  const { keys, signer, secret, tokenFolder } = options;
  requireUrl(options.bundleUrl);
  const updates: ChannelUpdate[] = [];
  for (const bundle of options.bundles) updates.push(await updateOf(bundle, options, tools, host));
  requireOneEach(updates);
  const channel: Channel = { format: 1, at: now.toISOString(), updates };
  const opened = await openSigner(keys, signer, { secret, tokenFolder }, tools, host);
  const place = await linkTarget(resolve(options.output));
  const temporary = temporaryBeside(place);
  try {
    await runSigning(
      {
        text: `${opened.setup}
printf '%s\\n' "$1" >/run/channel.json
openssl cms -sign -binary -nodetach -md sha256 -outform DER -signer ${opened.certificate} ${opened.opensslKey} \\
  -in /run/channel.json -out "/srv/$2"`,
        words: [JSON.stringify(channel, undefined, 1), basename(temporary)],
        secrets: [opened.secret],
        mounts: [{ source: dirname(place), target: '/srv', writable: true }, ...opened.mounts],
      },
      tools,
      host,
    );
    await rename(temporary, place);
  } catch (error) {
    await rm(temporary, { force: true });
    if (!(error instanceof CommandError)) throw error;
    throw new UserError('channel-not-made', `${options.output} could not be signed`, {
      details: error.details,
      cause: error,
    });
  }
  return channel;
}

async function updateOf(
  path: string,
  { keys, bundleUrl = '', minimum, share }: ChannelOptions,
  tools: ToolsTree,
  host: Host,
): Promise<ChannelUpdate> {
  const { compatible, version } = await verifyBundle(path, keys.rootPath, tools, host);
  const { size } = await stat(path);
  return {
    compatible,
    version,
    bundle: bundleUrl + encodeURIComponent(basename(path)),
    sha256: await fileSha256(path, host.signal),
    sizeBytes: size,
    ...(minimum === undefined ? {} : { minimum }),
    share,
  };
}

function requireUrl(url: string | undefined): void {
  if (url === undefined || (/^https?:\/\/.*\/$/.test(url) && URL.canParse(url))) return;
  throw new UserError('channel-url-invalid', `"${url}" is not the address of a folder`, {
    hints: ['It begins with https:// and ends with a slash: https://updates.example.org/bundles/'],
  });
}

function requireOneEach(updates: readonly ChannelUpdate[]): void {
  const boards = updates.map(({ compatible }) => compatible);
  const twice = boards.find((board, index) => boards.indexOf(board) !== index);
  if (twice === undefined) return;
  throw new UserError('channel-board-twice', `Two of the bundles are for ${twice}; a channel has one for each board`, {
    hints: ['Make a second channel for the other one.'],
  });
}
