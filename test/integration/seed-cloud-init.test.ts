import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { checkSeed } from '../../src/seeds/check-seed.js';
import { loadCloudInitSchemas, type CloudInitSchemas } from '../../src/seeds/schemas/cloud-init-schemas.js';
import { composeSeed } from '../../src/seeds/compose/compose-seed.js';
import type { Findings } from '../../src/seeds/text/findings.js';
import { finishSeed } from '../../src/seeds/compose/finish-seed.js';
import { checkNetworkByNetplan } from '../../src/build/debian/check-seed-by-schemas.js';
import { netplanVerdict } from '../../src/seeds/network/netplan-verdict.js';
import {
  findNetplan,
  NETPLAN_PACKAGES as NETPLAN_PACKAGES_OF_STAGE,
  netplanGeneratorStage,
  netplanRefusal,
  type Netplan,
} from '../../src/tools/netplan-generator.js';
import { checkMetaData } from '../../src/seeds/compose/meta-data.js';
import { checkNetworkConfig } from '../../src/seeds/network/network-config.js';
import { readDefaultSeed } from '../../src/seeds/compose/read-seed.js';
import { checkUserData } from '../../src/seeds/user-data/user-data.js';
import type { SourceDeb } from '../../src/sources/debian/packages.js';
import type { Mount, Sandbox } from '../../src/model/sandbox.js';
import { describeProblem } from '../../src/errors.js';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import type { StageContext } from '../../src/pipeline/stage.js';
import { unpackDeb } from '../../src/sources/debian/unpack-deb.js';
import { keyOf, Store } from '../../src/pipeline/store.js';
import { obtainSchemaFolder } from '../../src/tools/schema-folder.js';
import {
  CLOUD_INIT_SCHEMA_FILES,
  cloudInitSchemaStage,
  type CloudInitSchemaInput,
} from '../../src/tools/cloud-init-schema.js';
import { BAD_SEEDS } from '../helpers/bad-seeds.js';
import { generateNetplan, isRefusal, NETPLAN_PACKAGES, type Generated } from '../helpers/netplan.js';
import { unpackPackages } from '../helpers/unpacked-packages.js';

const tools = { root: inject('toolsTree'), versions: {} };
const host = new RealHost({
  facts: readHostFacts(process.env),
  signal: new AbortController().signal,
  environment: process.env,
  offline: false,
});

let folder: string;
let deb: SourceDeb;
let schemas: CloudInitSchemas;
let examples: string;

const inTools = (mounts: readonly Mount[], network = false): Sandbox => ({
  root: tools.root,
  mounts,
  network,
  cwd: '/mnt',
});
const report = { step: () => undefined, progress: () => undefined, warn: () => undefined };

async function stageContext(name: string): Promise<StageContext> {
  const work = join(folder, name);
  await mkdir(work);
  return {
    host,
    report,
    shared: { downloads: folder, ccache: folder, kernelBuilds: folder },
    work,
    jobs: 1,
    offline: false,
  };
}

async function debFile(name: string, path: string): Promise<SourceDeb> {
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const sources = `deb file://${dirname(path)} trixie main\n`;
  return {
    name,
    version: '1',
    architecture: 'all',
    filename: basename(path),
    sizeBytes: bytes.length,
    sha256,
    sources,
  };
}

/** As a build has it. */
function schemaInput(file: SourceDeb): CloudInitSchemaInput {
  return { deb: file, unpack: (context) => unpackDeb(file, tools, context) };
}

/** The packages that go into the image, fetched and verified by the tools' own apt. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seed-'));
  const files = await unpackPackages(host, tools.root, folder, ['cloud-init', 'netplan.io', ...NETPLAN_PACKAGES]);
  await mkdir(join(folder, 'schemas'));
  deb = await debFile('cloud-init', join(folder, 'debs', files.find((file) => file.startsWith('cloud-init_')) ?? ''));
  await cloudInitSchemaStage.run(schemaInput(deb), join(folder, 'schemas'), await stageContext('work'));
  schemas = await loadCloudInitSchemas(join(folder, 'schemas'));
  examples = join(folder, 'unpacked/usr/share/doc/cloud-init/examples');
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const lines = ({ problems }: Findings): string[] =>
  problems.map((problem) => `${describeProblem(problem)}${problem.hint === undefined ? '' : ` — ${problem.hint}`}`);
const check = (text: string): Findings =>
  checkUserData({ file: 'user-data', text: `#cloud-config\n${text}\n` }, schemas);

describe('the schemas of cloud-init', () => {
  it('refuses a package that does not hold them', async () => {
    await mkdir(join(folder, 'debs/empty/DEBIAN'), { recursive: true });
    const control = 'Package: empty\nVersion: 1\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: t\n';
    await writeFile(join(folder, 'debs/empty/DEBIAN/control'), control);
    const mounts = [{ source: join(folder, 'debs'), target: '/mnt', writable: true }];
    await host.runIn(inTools(mounts), { file: 'dpkg-deb', args: ['--build', 'empty', 'empty.deb'] });
    const input = schemaInput(await debFile('empty', join(folder, 'debs/empty.deb')));
    await expect(cloudInitSchemaStage.run(input, folder, await stageContext('work-2'))).rejects.toMatchObject({
      code: 'cloud-init-schema',
    });
  });

  it("are the same when this machine's own apt fetches the package, and a build finds them", async () => {
    const cacheDir = join(folder, 'cache-of-a-check');
    const checking = new RealHost({
      facts: { ...host.facts, cacheDir },
      signal: host.signal,
      environment: process.env,
      offline: false,
    });
    const fetched = await obtainSchemaFolder({ offline: false }, checking, { emit: () => undefined });
    for (const name of CLOUD_INIT_SCHEMA_FILES) {
      expect(await readFile(join(fetched, name))).toEqual(await readFile(join(folder, 'schemas', name)));
    }
    const key = keyOf({
      stage: cloudInitSchemaStage.name,
      version: cloudInitSchemaStage.version,
      input: cloudInitSchemaStage.key(schemaInput(deb)),
    });
    expect(await new Store(cacheDir, checking).find(cloudInitSchemaStage.name, key)).toMatchObject({ path: fetched });
  });

  it('refuses a folder without them', async () => {
    await expect(loadCloudInitSchemas(join(folder, 'debs'))).rejects.toMatchObject({ code: 'cloud-init-schema' });
  });
});

describe('user-data against the schema of cloud-init', () => {
  it.each([
    ['hostnme: x', 'user-data:2:1: "hostnme" is not a cloud-config key — Did you mean "hostname"?'],
    [
      'hostname: 12',
      'user-data:2:11: "hostname" must be text, found the number 12 — It needs a letter: hostname: pi-12',
    ],
    ['users: [{nmae: x}]', 'user-data:2:10: "nmae" is not a key that "users[0]" can have — Did you mean "name"?'],
    ['users: [{gecos: x}]', 'user-data:2:9: "users[0]" needs "name" or "snapuser"'],
    [
      'runcmd: ls',
      'user-data:2:9: "runcmd" must be a list, found the text "ls" — Write it as a list, even with one item: "- …".',
    ],
    [
      'write_files:\n  - path: /x\n    permissions: 0644',
      'user-data:4:18: "write_files[0].permissions" must be text, found the number 420 — Put it in quotes.',
    ],
    [
      'power_state: {mode: rebot}',
      'user-data:2:21: "power_state.mode" must be "poweroff" or "reboot" or "halt", found the text "rebot" — Did you mean "reboot"?',
    ],
    [
      'apt: {sources: {x: {sorce: y}}}',
      'user-data:2:21: "sorce" is not a key that "apt.sources.x" can have — Did you mean "source"?',
    ],
    [
      'chpasswd: {users: [{name: x, pasword: y}]}',
      'user-data:2:30: "pasword" is not a key that "chpasswd.users[0]" can have — Did you mean "password"?',
    ],
    [
      'users:\n  - name: x\n    plain_text_passwd: 12345678',
      'user-data:4:24: "users[0].plain_text_passwd" must be text, found a number — Put it in quotes.',
    ],
    [
      'users: [{name: x, expiredate: 2020-01-01}]',
      'user-data:2:31: "users[0].expiredate" must be text, found a date — Put the date in quotes.',
    ],
    [
      'enable_ssh: true',
      'user-data:2:1: "enable_ssh" does nothing in a user-data — Leave it out: ssh is on in any case.',
    ],
  ])('says of %j: %s', (text, expected) => {
    expect(lines(check(text))).toEqual([expected]);
  });

  it('warns about what is deprecated, with what to write instead', () => {
    const { problems, warnings } = check('users: [{name: x, lock-passwd: true}]');
    expect(problems).toEqual([]);
    expect(warnings).toMatchObject([{ code: 'deprecated-key', line: 2, column: 19, hint: 'Use lock_passwd instead.' }]);
  });

  it('takes values as Python reads them', () => {
    expect(check('ssh_pwauth: no\npackage_update: yes\nbootcmd:\n  - [touch, /x]\n  - ls').problems).toEqual([]);
  });
});

describe("cloud-init's own examples", () => {
  it('pass, every one of them', async () => {
    const names = (await readdir(examples, { withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
    expect(names.length).toBeGreaterThan(40);
    const refused: Record<string, string[]> = {};
    for (const name of names) {
      const file = { file: name, text: await readFile(join(examples, name), 'utf8') };
      const { problems } = name.startsWith('network')
        ? checkNetworkConfig(file, schemas)
        : checkUserData(file, schemas);
      if (problems.length > 0) refused[name] = problems.map(describeProblem);
    }
    expect(refused).toEqual({});
  });
});

describe('bad seeds', () => {
  const check = { 'user-data': checkUserData, 'meta-data': checkMetaData, 'network-config': checkNetworkConfig };

  it.each(BAD_SEEDS)('$kind $text is found: $code in line $line', ({ kind, text, code, line, warning }) => {
    const { problems, warnings } = check[kind]({ file: kind, text }, schemas);
    expect((warning === true ? warnings : problems).map((one) => `${one.code} ${one.line ?? 0}`)).toContain(
      `${code} ${line}`,
    );
    if (warning === true) expect(problems).toEqual([]);
    expect(JSON.stringify([problems, warnings])).not.toMatch(/"[^"]*(?<!_)\bsecret\b/);
  });

  it('are at least fifty that are refused, beside those that only bring a warning', () => {
    expect(BAD_SEEDS.filter(({ warning }) => warning !== true).length).toBeGreaterThanOrEqual(50);
  });
});

const netplan = (text: string): Promise<Generated> => generateNetplan(host, tools.root, folder, text);

describe('network-config read by netplan', () => {
  it('gives every wired port DHCP by the default, and holds up no boot', async () => {
    const { networkConfig } = await readDefaultSeed('cloud-init');
    const { said, files } = await netplan(networkConfig?.text ?? '');
    expect(said).not.toContain('Error');
    expect(files['10-netplan-wired.network']).toContain('Name=e*');
    expect(files['10-netplan-wired.network']).toContain('DHCP=ipv4');
    // The drop-in for systemd-networkd-wait-online, where netplan names the interfaces that must be up.
    expect(files['10-netplan.conf']).not.toContain('ExecStart');
  });

  it('joins the Wi-Fi that stands in the default as a comment', async () => {
    const { networkConfig } = await readDefaultSeed('cloud-init');
    const text = (networkConfig?.text ?? '').replace(/^# ?(?=wifis:| {2})/gm, '');
    expect(checkNetworkConfig({ file: 'x', text }, schemas)).toEqual({ problems: [], warnings: [] });
    const { said, files } = await netplan(text);
    expect(said).not.toContain('Error');
    expect(files['wpa-wlan0.conf']).toContain('country=DE');
    expect(files['wpa-wlan0.conf']).toContain('psk="at least eight characters"');
  });

  it.each([
    'version: 2\nwifis: {w: {access-points: {a: {band: 6GHz}}}}\n',
    'version: 2\nwifis: {w: {access-points: {a: {password: short}}}}\n',
    'version: 2\nwifis: {w: {dhcp4: true}}\n',
    'version: 2\nwifis: {w: {access-points: {a: {mode: ap, password: abcdefgh}}}}\n',
    'version: 2\nethernets: {"e*": {dhcp4: true}}\n',
    'version: 2\nethernets: {e: {dhcp4: 1}}\n',
    'version: 2\nethernets: {e: {addresses: [10.0.0.1]}}\n',
    'version: 2\nethernets: {e: {dhcp: true}}\n',
    'version: 2\nbridges: {b: {interfaces: [nobody]}}\n',
    'version: 2\nvlans: {v: {id: 4095, link: e}}\nethernets: {e: {}}\n',
  ])('refuses %j, as netplan does', async (text) => {
    expect(checkNetworkConfig({ file: 'x', text }, schemas).problems).toHaveLength(1);
    expect((await netplan(text)).said).toMatch(/Error|ERROR/);
  });

  it.each([
    'version: 2\nethernets: {e: {dhcp4: true, dhcp4-overrides: {route-metric: 50, use-domains: route}, accept-ra: false, link-local: [ipv6], mtu: 1400}}\n',
    'version: 2\nethernets: {e: {match: {driver: [bcmgenet, lan78xx]}, set-name: lan, addresses: [10.0.0.2/24: {lifetime: 0}], routes: [{to: 10.1.0.0/16, via: 10.0.0.1, on-link: true, table: 5}]}}\n',
    'version: 2\nwifis: {w: {access-points: {a: {auth: {key-management: sae, password: abcdefgh}}, b: {mode: adhoc, band: 2.4GHz, channel: 6}}}}\n',
    'version: 2\nethernets: {a: {}, b: {}}\nbonds: {n: {interfaces: [a, b], parameters: {mode: 802.3ad, lacp-rate: fast, mii-monitor-interval: 100, transmit-hash-policy: layer3+4}}}\n',
    'version: 2\nethernets: {a: {}}\nbridges: {n: {interfaces: [a], parameters: {stp: true, forward-delay: 4, path-cost: {a: 10}}}}\nvlans: {v: {id: 5, link: n, addresses: [10.0.0.2/24]}}\n',
    'version: 2\nrenderer: NetworkManager\ndummy-devices: {d0: {addresses: [10.9.9.1/32]}}\nvrfs: {v: {table: 7, interfaces: [d0]}}\n',
  ])('takes %j, as netplan does', async (text) => {
    expect(checkNetworkConfig({ file: 'x', text }, schemas).problems).toEqual([]);
    expect((await netplan(text)).said).not.toMatch(/Error|ERROR/);
  });
});

describe("netplan's verdicts", () => {
  type Verdict = { readonly name: string; readonly rendered?: string; readonly device: 'takes' | 'refuses' };
  const refuses = async (text: string): Promise<boolean> => isRefusal(await netplan(text));

  it('in the fixtures are those of the generator that images get', async () => {
    const verdicts = JSON.parse(await readFile('test/fixtures/netplan/verdicts.json', 'utf8')) as readonly Verdict[];
    const others: string[] = [];
    for (const { name, rendered, device } of verdicts) {
      if (rendered !== undefined && (await refuses(rendered)) !== (device === 'refuses')) others.push(name);
    }
    expect(others).toEqual([]);
  }, 300_000);

  it("of netplan's own examples are ours, too", async () => {
    const examplesOfNetplan = join(folder, 'unpacked/usr/share/doc/netplan/examples');
    const names = (await readdir(examplesOfNetplan)).filter((name) => /\.ya?ml$/.test(name));
    expect(names.length).toBeGreaterThan(30);
    for (const name of names) {
      const text = await readFile(join(examplesOfNetplan, name), 'utf8');
      const found = checkNetworkConfig({ file: name, text }, schemas).problems;
      // Without a version it is cloud-init that does not take it.
      if (!/^ *version:/m.test(text)) expect(found).toMatchObject([{ code: 'network-version' }]);
      else
        expect(found.length > 0, `${name}: ${lines({ problems: found, warnings: [] }).join()}`).toBe(
          await refuses(text),
        );
    }
  }, 120_000);
});

describe('netplan itself, as builds and checks ask it', () => {
  let netplan: Netplan;
  const ask = (text: string) => netplanRefusal(text, netplan, host);

  beforeAll(async () => {
    const debs = NETPLAN_PACKAGES_OF_STAGE.map((name) => ({ name, version: '1', sha256: name }));
    const unpack = () => Promise.resolve(debs.map(() => join(folder, 'unpacked')));
    const out = join(folder, 'netplan');
    await mkdir(out);
    await netplanGeneratorStage.run({ debs, unpack }, out, await stageContext('work-netplan'));
    netplan = { toolsRoot: tools.root, folder: out };
    expect((await readdir(out)).toSorted()).toEqual(['generate', 'libnetplan.so.1']);
  });

  it('gives of what we render the verdict that it gives of what cloud-init renders', async () => {
    const verdicts = JSON.parse(await readFile('test/fixtures/netplan/verdicts.json', 'utf8')) as readonly {
      readonly name: string;
      readonly text: string;
      readonly rendered?: string;
      readonly device: string;
    }[];
    const others: string[] = [];
    for (const { name, text, rendered, device } of verdicts) {
      if (rendered === undefined) continue;
      const { problems } = await netplanVerdict({ file: 'network-config', text }, ask);
      if (problems.length > 0 !== (device === 'refuses')) others.push(name);
    }
    expect(others).toEqual([]);
  }, 120_000);

  it.each([['openvswitch: {protocols: [OpenFlow99]}', "Unsupported OVS 'protocol' value: OpenFlow99"]])(
    'knows more than the built-in check of %j',
    async (text, words) => {
      const file = { file: 'network-config', text: `version: 2\n${text}\n` };
      expect(checkNetworkConfig(file, schemas).problems).toEqual([]);
      expect(await netplanVerdict(file, ask)).toMatchObject({
        problems: [
          {
            code: 'netplan-refuses',
            message: `netplan of the image refuses this file: ${words}`,
            file: 'network-config',
          },
        ],
      });
    },
  );

  it('says of a file that breaks netplan that it breaks off', async () => {
    const text = 'version: 2\nethernets: {a: {}}\nbridges: {n: {interfaces: [a], parameters: {path-cost: {a: -1}}}}\n';
    const { problems } = await netplanVerdict({ file: 'network-config', text }, ask);
    expect(problems).toMatchObject([{ code: 'netplan-refuses' }]);
    expect(problems[0]?.message).toContain('it breaks off: ../src/parse.c');
  });

  it('has the Wi-Fi channels that the built-in check has', async () => {
    const others: string[] = [];
    for (const band of ['2.4GHz', '5GHz']) {
      for (let channel = 0; channel <= 200; channel += 1) {
        const text = `version: 2\nwifis: {w: {access-points: {a: {channel: ${channel}, band: ${band}}}}}\n`;
        const file = { file: 'network-config', text };
        const byNetplan = (await netplanVerdict(file, ask)).problems.length;
        if (checkNetworkConfig(file, schemas).problems.length !== byNetplan) others.push(`${band} ${channel}`);
      }
    }
    expect(others).toEqual([]);
  }, 120_000);

  it.each([
    'wifis: {w: {wakeonwlan: [default, any], access-points: {a: {}}}}',
    'wifis: {w: {wakeonwlan: [any, tcp], access-points: {a: {}}}}',
    'wifis: {w: {wakeonwlan: [default], access-points: {a: {}}}}',
    'wifis: {w: {wakeonwlan: [any, disconnect], access-points: {a: {}}}}',
    'wifis: {w: {wakeonwlan: [tcp], access-points: {a: {}}}}',
    'wifis: {w: {wakeonwlan: [default, default], access-points: {a: {}}}}',
    'wifis: {w: {access-points: {a: {channel: 15, band: 2.4G}}}}',
    'wifis: {w: {access-points: {a: {channel: 15, band: 5G}}}}',
    'wifis: {w: {access-points: {a: {channel: 999}}}}',
    'ethernets: {a: {}}\nbridges: {n: {interfaces: [a], parameters: {port-priority: {a: 63}}}}',
    'ethernets: {a: {}}\nbridges: {n: {interfaces: [a], parameters: {port-priority: {a: 64}}}}',
  ])('and the built-in check agree on %j', async (text) => {
    const file = { file: 'network-config', text: `version: 2\n${text}\n` };
    const byNetplan = (await netplanVerdict(file, ask)).problems.length > 0;
    expect(checkNetworkConfig(file, schemas).problems.length > 0).toBe(byNetplan);
  });

  it.each(['', '- a\n', 'network: {config: disabled}\n', 'version: 1\nconfig: []\n', 'version: 2\nethernets: [\n'])(
    'is not asked of %j, which cloud-init does not hand on as it is',
    async (text) => {
      expect(await netplanVerdict({ file: 'network-config', text }, ask)).toEqual({ problems: [], warnings: [] });
    },
  );

  it('shows no secret', async () => {
    const password = 'hush hush';
    const text = `version: 2\nwifis: {w: {access-points: {a: {password: ${password}, mode: ${password}}}}}\n`;
    const { problems } = await netplanVerdict({ file: 'network-config', text }, ask);
    expect(problems[0]?.message).toContain("unknown wifi mode '…'");
  });

  it('stops a build, and no build without it', async () => {
    const seed = await readDefaultSeed('cloud-init');
    const networkConfig = {
      file: 'network-config',
      text: 'version: 2\nopenvswitch: {protocols: [OpenFlow99]}\n',
    };
    await checkNetworkByNetplan(seed, netplan, host);
    await checkNetworkByNetplan({ ...seed, networkConfig }, undefined, host);
    await expect(checkNetworkByNetplan({ ...seed, networkConfig }, netplan, host)).rejects.toMatchObject({
      code: 'netplan-refuses',
    });
  });

  it('is not there in a store where nothing was built, nor for an image without netplan', async () => {
    const cacheDir = join(folder, 'empty-cache');
    const elsewhere = new RealHost({
      facts: { ...host.facts, cacheDir },
      signal: host.signal,
      environment: process.env,
      offline: true,
    });
    expect(await findNetplan(elsewhere)).toBeUndefined();
    const none = join(folder, 'no-netplan');
    await mkdir(none);
    await netplanGeneratorStage.run(
      { debs: [], unpack: () => Promise.resolve([]) },
      none,
      await stageContext('work-none'),
    );
    expect(await readdir(none)).toEqual([]);
  });
});

describe('docs/seeds.md', () => {
  it('shows nothing but good examples', async () => {
    const page = await readFile('docs/seeds.md', 'utf8');
    const blocks = Array.from(page.matchAll(/```yaml\n(.*?)```/gs), (match) => match[1] ?? '');
    expect(blocks.length).toBeGreaterThan(3);
    for (const text of blocks) {
      const file = { file: 'docs/seeds.md', text: text.replace('$6$…', '$6$salt$hash') };
      const found = text.startsWith('#cloud-config') ? checkUserData(file, schemas) : checkNetworkConfig(file, schemas);
      expect(found).toEqual({ problems: [], warnings: [] });
    }
  });
});

describe('the default seed', () => {
  it("passes cloud-init's schema", async () => {
    const { files } = composeSeed({ defaults: await readDefaultSeed('cloud-init'), hostname: 'pi-1' });
    expect(checkSeed(files, schemas)).toMatchObject({ problems: [], warnings: [{ code: 'seed-no-login' }] });
  });
});

describe('hashing a clear-text password', () => {
  it('gives what crypt gives for that password and salt, and a seed that passes', async () => {
    const password = 'pass $word "quoted" ü';
    const userData = {
      file: 'u',
      text: `#cloud-config\nusers:\n  - name: x\n    plain_text_passwd: ${JSON.stringify(password)}\n`,
    };
    const seed = finishSeed({ ...(await readDefaultSeed('cloud-init')), userData });
    const [, salt, hashed] = /hashed_passwd: '(\$6\$[./0-9A-Za-z]{16})\$([./0-9A-Za-z]{86})'/.exec(seed.userData) ?? [];
    const perl = 'print crypt($ARGV[0], $ARGV[1])';
    const { stdout } = await host.runIn(inTools([]), {
      file: 'perl',
      args: ['-e', perl, password, salt ?? ''],
      cwd: '/',
    });
    expect(stdout).toBe(`${salt ?? ''}$${hashed ?? ''}`);
    expect(checkUserData({ file: 'u', text: seed.userData }, schemas)).toEqual({ problems: [], warnings: [] });
  });
});
