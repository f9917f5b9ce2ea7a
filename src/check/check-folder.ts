import type { BootProof } from '../model/boot-proof.js';
import type { Host } from '../host/host.js';
import type { Reporter } from '../pipeline/reporter.js';
import { UserError } from '../errors.js';
import type { FolderOptions } from './boot-folder.js';
import { withLoadedFolder } from './boot-folder.js';
import { forwardsOf } from './boot-image.js';
import { checkSmall } from './check-small.js';
import { emptyLog } from './empty-log.js';

export type FolderCheckOptions = FolderOptions & { readonly timeoutSeconds?: number; readonly logFile?: string };

/** A boot's proof, and what the machine fetched by HTTP, in its order; empty where it had another way. */
export type FolderProof = BootProof & { readonly fetched: readonly string[] };

/**
 * Starts a machine without any drive from a folder of network boot, and waits for proof that its system works. Throws
 * what withLoadedFolder throws, UserError `log-not-writable`, and `folder-not-checked` for a folder that says nothing of
 * its system.
 */
export async function checkFolder(options: FolderCheckOptions, host: Host, report: Reporter): Promise<FolderProof> {
  if (options.logFile !== undefined) await emptyLog(options.logFile);
  return withLoadedFolder(options, WORDS, host, report, async (loaded) => {
    const { machine, files, requests } = loaded;
    const { system } = files;
    if (system === undefined) throw notChecked(options.image);
    const proof = await checkSmall(
      {
        name: machine.name,
        system,
        userData: files.userData,
        metaData: files.metaData,
        sandbox: loaded.sandbox,
        timeoutSeconds: options.timeoutSeconds ?? machine.timeoutSeconds,
        logFile: options.logFile,
        qemu: (forwards) => loaded.qemu({ terminal: false, forwards }),
      },
      host,
      report,
    );
    const fetched = requests.filter(({ status }) => status === 200).map(({ path }) => path);
    return { ...proof, fetched };
  });
}

/** -no-reboot turns the restart after a panic into an end, at once; `reswarm.check` runs a workload's own check. */
const WORDS = ['panic=-1', 'reswarm.check'];

function notChecked(folder: string): UserError {
  return new UserError('folder-not-checked', `${folder} does not say what it starts, so nothing can be proven of it`, {
    hints: ['Start it on a terminal: leave out --check.'],
  });
}

/** Starts it on our own terminal, until it powers off or Ctrl-a x. Throws what withLoadedFolder throws. */
export async function bootFolder(
  options: FolderOptions,
  host: Host,
  report: Reporter,
): Promise<{ readonly exitCode: number }> {
  return withLoadedFolder(options, [], host, report, async (loaded) => {
    for (const { hostPort, guestPort } of forwardsOf(options)) {
      report.emit({ type: 'notice', text: `127.0.0.1:${hostPort} leads to its port ${guestPort}.` });
    }
    report.emit({ type: 'notice', text: 'Ctrl-a x ends the machine.' });
    const exit = await host.attachIn(loaded.sandbox, loaded.qemu({ terminal: true }));
    return { exitCode: exit.exitCode ?? 1 };
  });
}
