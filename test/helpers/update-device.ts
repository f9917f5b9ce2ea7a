import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { sandboxed } from '../../src/model/sandbox.js';
import { archiveAsOf } from '../../src/pipeline/archive-date.js';
import { stageNode } from '../../src/pipeline/graph.js';
import { withRunner } from '../../src/pipeline/runner.js';
import { Store } from '../../src/pipeline/store.js';
import { toolsTreeInput } from '../../src/tools/obtain-tools.js';
import { toolsTreeStage } from '../../src/tools/tools-tree.js';
import { PlainReporter } from '../../src/ui/plain-reporter.js';

const run = promisify(execFile);
const PROJECT = join(import.meta.dirname, '../..');
const PACKAGES = ['openssh-server', 'python3-minimal', 'python3', 'rauc', 'openssl', 'libcap2-bin'];

/** A Debian of this machine's architecture with what `reswarm-update` needs and an ssh server; made once, in the store. */
export async function deviceTree(): Promise<string> {
  const facts = readHostFacts(process.env);
  const host = new RealHost({ facts, signal: new AbortController().signal, environment: process.env, offline: false });
  const reporter = new PlainReporter((line) => {
    console.error(line);
  });
  const store = new Store(facts.cacheDir, host);
  const stage = { ...toolsTreeStage, name: 'test-device' };
  return withRunner(host, store, reporter, { jobs: facts.cpus, offline: false }, async (runner) => {
    const input = toolsTreeInput(facts.architecture, { archiveAsOf: await archiveAsOf(store, false) });
    return (await runner.run(stageNode(stage, {}, () => ({ ...input, packages: PACKAGES })))).root;
  });
}

export type DeviceOptions = {
  readonly machineId?: string;
  readonly version?: string;
  /** PEM. */
  readonly keyring: string;
  readonly settings?: string;
  /** Answer of the gate: "CODE TEXT". */
  readonly refused?: string;
  /** What becomes of a trial. */
  readonly trial?: 'good' | 'failed';
};

/**
 * A device without slots and firmware: the program, Debian's rauc and openssl and the ssh server are the real ones; what
 * asks the hardware (`facts`, `gate`), RAUC's writing of slots and the restart are played by the scripts below.
 */
export class UpdateDevice {
  private constructor(readonly folder: string) {}

  static async make(tree: string, options: DeviceOptions): Promise<UpdateDevice> {
    const folder = await mkdtemp(join(dirname(readHostFacts(process.env).cacheDir), 'reswarm-device-'));
    const root = join(folder, 'root');
    await run('cp', ['-al', tree, root]);
    await run('cp', ['-r', '--remove-destination', `${PROJECT}/layers/ab/files/.`, root]);
    const device = new UpdateDevice(folder);
    for (const [path, text] of Object.entries(filesOf(options))) await device.write(path, text);
    await mkdir(join(root, 'data/reswarm/updates/bundles'), { recursive: true });
    return device;
  }

  async write(path: string, text: string): Promise<void> {
    const place = join(this.folder, 'root', path);
    await mkdir(dirname(place), { recursive: true });
    // Others have the same file under another name.
    await rm(place, { force: true });
    await writeFile(place, text);
    if (text.startsWith('#!')) await chmod(place, 0o755);
  }

  async read(path: string): Promise<string> {
    return readFile(join(this.folder, 'root', path), 'utf8').catch(() => '');
  }

  /** Runs `reswarm-update … --json`; gives its answer. */
  async update(
    ...args: readonly string[]
  ): Promise<{ exitCode: number; answer: Record<string, unknown>; said: string }> {
    const command = this.command('reswarm-update', [...args, '--json']);
    return new Promise((resolve) => {
      execFile(command.file, command.args, (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        const answer = stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
        resolve({ exitCode, answer, said: stderr });
      });
    });
  }

  start(file: string, args: readonly string[]): ChildProcess {
    const command = this.command(file, args);
    return spawn(command.file, command.args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  private command(file: string, args: readonly string[]) {
    const sandbox = { root: join(this.folder, 'root'), rootWritable: true, network: true, tmpfs: ['/tmp'] };
    return sandboxed(sandbox, { file, args }, readHostFacts(process.env).privilege);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export const emptyFolder = async (): Promise<string> => mkdtemp(join(tmpdir(), 'reswarm-updates-'));

function filesOf({ machineId, version, keyring, settings, refused, trial }: DeviceOptions) {
  const state = '/data/reswarm/updates';
  return {
    'etc/machine-id': `${machineId ?? '0123456789abcdef0123456789abcdef'}\n`,
    'usr/lib/os-release': `ID=debian\nIMAGE_VERSION=${version ?? '1.0.0'}\n`,
    'etc/rauc/keyring.pem': keyring,
    'etc/rauc/system.conf': RAUC_CONF,
    ...(settings === undefined ? {} : { 'etc/reswarm/updates.conf': settings }),
    'usr/lib/reswarm/updates/gate': `#!/bin/sh\n${refused === undefined ? 'exit 0' : `echo '${refused}'; exit 1`}\n`,
    'usr/lib/reswarm/updates/facts': FACTS,
    // Slots and their writing; all else is Debian's rauc.
    'usr/local/bin/rauc': `#!/bin/sh
state=${state}
case $1$2 in
  install*) /usr/bin/rauc info "$2" >/dev/null || exit 1
    cp "$2" $state/slot.raucb; echo B >$state/armed; echo ' 50% Copying image'; echo '100% Installing done.' ;;
  status--detailed) [ -e $state/version ] && echo "{\\"slots\\":[{\\"rootfs.0\\":{\\"bootname\\":\\"A\\",\\"slot_status\\":{\\"bundle\\":{\\"version\\":\\"$(cat $state/version)\\"}}}}]}" || exit 1 ;;
  status*) echo "$@" >>$state/marks ;;
  *) exec /usr/bin/rauc "$@" ;;
esac
`,
    // A restart that takes no time: the trial, and what became of it.
    'usr/local/bin/systemctl': `#!/bin/sh
state=${state}
[ -e $state/armed ] || exit 0
field() { sed -n "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/p" $state/installing.json; }
outcome=${trial ?? 'good'}
[ $outcome = failed ] || field version >$state/version
echo "{\\"event\\":\\"updated\\",\\"at\\":\\"$(date -u +%FT%TZ)\\",\\"version\\":\\"$(field version)\\",\\"slot\\":\\"B\\",\\"outcome\\":\\"$outcome\\",\\"reason\\":\\"engine: no answer\\",\\"bundleSha256\\":\\"$(field bundleSha256)\\"}" >>$state/history.ndjson
rm -f $state/armed $state/installing.json
`,
  };
}

const FACTS = `#!/bin/sh
armed=null
[ ! -e /data/reswarm/updates/armed ] || armed='"B"'
echo "{\\"slot\\":\\"A\\",\\"default\\":\\"A\\",\\"trial\\":false,\\"armed\\":$armed,\\"slots\\":{\\"A\\":{\\"state\\":\\"good\\"},\\"B\\":{\\"state\\":\\"empty\\",\\"reason\\":\\"no update was installed into it yet\\"}},\\"bootLoader\\":{\\"partition\\":2,\\"tryboot\\":0,\\"tryBootAB\\":true,\\"buildTimestamp\\":1,\\"measured\\":true},\\"compatible\\":\\"reswarm-os-test\\",\\"data\\":true}"
`;

const RAUC_CONF = `[system]
compatible=reswarm-os-test
bootloader=noop
bundle-formats=verity

[keyring]
path=/etc/rauc/keyring.pem
use-bundle-signing-time=true

[slot.rootfs.0]
device=/dev/null
bootname=A
`;
