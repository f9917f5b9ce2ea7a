import { describe, expect, it } from 'vitest';
import type { ImageReport } from '../../../src/inspect/image-report.js';
import { escapeHtml, markup } from '../../../src/ui/inspection-page/markup.js';
import { inspectionPage } from '../../../src/ui/inspection-page/page.js';
import { describeImage } from '../../../src/ui/inspection/describe-image.js';

const EVIL = '<script>alert("x")</script>';

/** Every text that an image can have a say in is hostile. */
const report: ImageReport = {
  image: `/images/${EVIL}.img`,
  sizeBytes: 2 ** 30,
  kind: 'disk',
  archives: [],
  partitionTable: 'gpt',
  sectorSizeBytes: 512,
  diskId: EVIL,
  partitions: [
    {
      number: 1,
      type: 12,
      typeName: EVIL,
      bootable: false,
      partUuid: EVIL,
      name: EVIL,
      offsetBytes: 2 ** 20,
      sizeBytes: 2 ** 25,
      mount: `/boot${EVIL}`,
      fileSystem: { kind: 'fat32', label: EVIL, uuid: EVIL, sizeBytes: 2 ** 25, freeBytes: 2 ** 24, dirty: true },
    },
    {
      number: 2,
      type: 0x83,
      typeName: EVIL,
      bootable: false,
      partUuid: EVIL,
      offsetBytes: 2 ** 26,
      sizeBytes: 2 ** 28,
      other: EVIL,
    },
  ],
  os: { name: EVIL, id: EVIL, version: EVIL, codename: EVIL },
  kernel: { version: EVIL, file: EVIL, sizeBytes: 1, modules: [EVIL], modulesBytes: 1 },
  architecture: EVIL,
  packages: {
    count: 1,
    declaredBytes: 1,
    diskBytes: 2 ** 24,
    unownedBytes: 2 ** 23,
    list: [
      {
        name: EVIL,
        version: EVIL,
        architecture: EVIL,
        section: EVIL,
        summary: EVIL,
        declaredBytes: 1,
        diskBytes: 2 ** 24,
      },
    ],
  },
  boot: { configTxt: [EVIL], commandLine: EVIL },
  seed: {
    kind: EVIL,
    hostname: EVIL,
    instanceId: EVIL,
    timezone: EVIL,
    users: [{ name: EVIL, password: 'set', sudo: true, sshKeys: [{ type: EVIL, fingerprint: EVIL, comment: EVIL }] }],
    packages: [EVIL],
    writesFiles: [EVIL],
    commands: 1,
    network: {
      interfaces: [{ kind: EVIL, name: EVIL, addresses: [EVIL], accessPoints: [{ ssid: EVIL, password: 'set' }] }],
    },
    problems: [EVIL],
  },
  folders: [
    { path: '/', diskBytes: 2 ** 25, files: 3 },
    { path: `/${EVIL.replace('/', '_')}`, diskBytes: 2 ** 24, files: 1 },
  ],
  largeFiles: [{ path: `/"onload='x'`, sizeBytes: 2 ** 22, diskBytes: 2 ** 22 }],
  bootCheck: {
    machine: EVIL,
    passed: false,
    checkedAt: EVIL,
    stopped: EVIL,
    bootSeconds: 3,
    milestones: [
      { name: 'kernel', title: EVIL, ok: true, seconds: 1 },
      { name: 'root', title: EVIL, ok: false },
    ],
  },
  warnings: [EVIL],
};

/** Names of the elements that are opened and closed, in order; void ones and SVG's own closed ones left out. */
function balance(page: string): readonly string[] {
  const open: string[] = [];
  for (const [, closing, name = '', selfClosed] of page.matchAll(
    /<(\/?)([a-z][a-z0-9]*)\b(?:[^>"]|"[^"]*")*?(\/?)>/gi,
  )) {
    if (['meta', 'input', 'br'].includes(name) || selfClosed === '/') continue;
    if (closing === '') open.push(name);
    else expect(open.pop(), `</${name}>`).toBe(name);
  }
  return open;
}

describe('the page of an inspected image', () => {
  const page = inspectionPage(report);
  const withoutOurs = page.replace(/<script>[^]*?<\/script>/, '').replace(/<style>[^]*?<\/style>/, '');

  it('lets nothing out of the image be anything but text', () => {
    expect(withoutOurs).not.toMatch(/<script|alert\("x"\)|onload='/);
    expect(withoutOurs).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
  });

  it('opens and closes its elements in order', () => {
    expect(balance(withoutOurs)).toEqual([]);
  });

  it('fetches nothing', () => {
    expect(page).not.toMatch(/(?:src|href)=|url\(|@import|https?:/);
  });

  it('shows what the boot check found, and that a milestone did not come', () => {
    expect(page).toContain('did not come');
    expect(page).toContain('docker info after 3.0 s');
  });
});

describe('markup', () => {
  it('escapes text in elements and attributes and keeps what is markup already', () => {
    const inner = markup`<b title="${`"'`}">${'<&>'}</b>`;
    expect(markup`<p>${inner}${[inner]}${7}</p>`.source).toBe(
      `<p>${'<b title="&quot;&#39;">&lt;&amp;&gt;</b>'.repeat(2)}7</p>`,
    );
  });

  it('shows what a terminal or an editor would act on as an escape', () => {
    expect(escapeHtml('a\u001b[2Jb\u202ec\n')).toBe('a\\x1b[2Jb\\u{202e}c\\x0a');
  });
});

it('describeImage prints nothing that a terminal would act on', () => {
  const lines = describeImage(
    { ...report, os: { name: 'a\u001b[2J', id: '', version: '', codename: '' } },
    { packages: true },
  );
  expect(lines.join('')).not.toContain('\u001b');
});
