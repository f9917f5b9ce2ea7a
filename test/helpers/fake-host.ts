import type { FileHandle } from 'node:fs/promises';
import type { BlockDevice } from '../../src/host/drives/block-device.js';
import { formatCommand, type Command } from '../../src/model/command.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { CommandError } from '../../src/errors.js';
import type { DeviceAccess } from '../../src/host/host.js';
import type { DownloadRequest } from '../../src/host/host.js';
import type { Host, HostFacts, Output, RunOptions } from '../../src/host/host.js';

type Answer = Partial<Output> | 'not-found' | undefined;

type FakeHostOptions = {
  readonly facts?: Partial<HostFacts>;
  /** What a program answers; undefined for one that nobody should have run. */
  readonly run?: (command: Command, options: RunOptions) => Answer | Promise<Answer>;
  readonly download?: (request: DownloadRequest) => Promise<void>;
  /** The machine's drives, asked for each time. */
  readonly blockDevices?: () => readonly BlockDevice[];
  readonly openDevice?: (path: string, access: DeviceAccess) => Promise<FileHandle>;
};

export type FakeHost = Host & { readonly commands: string[] };

/** A host that does only what a test expects of it, and notes what was run. */
export function createFakeHost(options: FakeHostOptions = {}): FakeHost {
  const facts: HostFacts = {
    architecture: 'amd64',
    privilege: 'root',
    cacheDir: '/nowhere/cache',
    cpus: 2,
    ...options.facts,
  };
  const commands: string[] = [];
  const run = async (command: Command, runOptions: RunOptions = {}): Promise<Output> => {
    const line = formatCommand(command);
    commands.push(line);
    const answer = await options.run?.(command, runOptions);
    if (answer === undefined) throw new Error(`a test did not expect: ${line}`);
    if (answer === 'not-found') throw new CommandError('command-not-found', `no ${command.file}`);
    const output = { exitCode: 0, stdout: '', stderr: '', ...answer };
    for (const stream of ['stdout', 'stderr'] as const) {
      for (const text of output[stream].split('\n').filter((part) => part !== '')) runOptions.onLine?.(text, stream);
    }
    if (!(runOptions.okExitCodes ?? [0]).includes(output.exitCode)) {
      throw new CommandError('command-failed', `${command.file} ended with exit code ${output.exitCode}`, {
        details: output.stderr.split('\n'),
      });
    }
    return output;
  };
  const host: FakeHost = {
    facts,
    signal: new AbortController().signal,
    commands,
    run,
    runIn: (sandbox, command, runOptions) => run(sandboxed(sandbox, command, facts.privilege), runOptions),
    stream: (command) => {
      throw new Error(`a test did not expect to stream: ${formatCommand(command)}`);
    },
    startIn: (_sandbox, command) => {
      throw new Error(`a test did not expect to start: ${formatCommand(command)}`);
    },
    attach: (command) => {
      throw new Error(`a test did not expect to attach: ${formatCommand(command)}`);
    },
    attachIn: (_sandbox, command) => {
      throw new Error(`a test did not expect to attach: ${formatCommand(command)}`);
    },
    download: async (request) => {
      if (options.download === undefined)
        throw new Error(`a test did not expect a download: ${request.urls.join(' ')}`);
      await options.download(request);
    },
    remoteFile: (url) => Promise.reject(new Error(`a test did not expect to read ${url.href}`)),
    remoteText: (url) => Promise.reject(new Error(`a test did not expect to read ${url.href}`)),
    standardInput: () => {
      throw new Error('a test did not expect to read standard input');
    },
    blockDevices: () => {
      if (options.blockDevices === undefined) throw new Error('a test did not expect to look for drives');
      return Promise.resolve(options.blockDevices());
    },
    openDevice: (path, access) => {
      if (options.openDevice === undefined) throw new Error(`a test did not expect to open ${path}`);
      return options.openDevice(path, access);
    },
    until: () => host,
    uninterrupted: () => host,
  };
  return host;
}
