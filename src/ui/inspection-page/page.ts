import { createHash } from 'node:crypto';
import { formatSize } from '../../model/bytes.js';
import { baseName } from '../../formats/file-system/file-entry.js';
import type { ImageReport, PackageReport } from '../../inspect/image-report.js';
import type { SeedSummary } from '../../seeds/seed-facts.js';
import { folderBoxes, packageBoxes } from './boxes.js';
import { drawDisk, drawTimeline } from './drawings.js';
import type { Markup } from './markup.js';
import { markup } from './markup.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';
import { drawTreemap } from './treemap.js';

/**
 * An inspected image as one page that needs nothing else. Whatever comes out of the image is text in it, and its
 * content security policy lets nothing run but the page's own script, nor anything be fetched.
 */
export function inspectionPage(report: ImageReport): string {
  const allowed = createHash('sha256').update(SCRIPT).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${allowed}'`;
  const name = baseName(report.image);
  const style: Markup = { source: STYLE };
  // Exactly these bytes are what the policy allows.
  const script: Markup = { source: `<script>${SCRIPT}</script>` };
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${name}</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <header>
          <h1>${name}</h1>
          <p class="soft">${formatSize(report.sizeBytes)} (${report.sizeBytes} bytes)</p>
          ${report.sha256 === undefined ? markup`` : markup`<p class="soft mono">sha256 ${report.sha256}</p>`}
          ${report.warnings.map((text) => markup`<p class="warning">${text}</p>`)}
        </header>
        ${
          report.partitionTable === undefined
            ? markup``
            : markup`<section>
                <h2>Partitions</h2>
                ${drawDisk(report)} ${partitionTable(report)}
              </section>`
        }
        ${discSection(report)} ${archiveSection(report)}
        <div class="cards">${systemCard(report)} ${report.seed === undefined ? markup`` : seedCard(report.seed)}</div>
        ${
          report.bootCheck === undefined
            ? markup``
            : markup`<section>
                <h2>Last boot check</h2>
                ${drawTimeline(report.bootCheck)}
              </section>`
        }
        <section>
          <h2>Where the bytes are: folders</h2>
          ${drawTreemap(folderBoxes(report), 'What folders and large files take')}
        </section>
        <section>
          <h2>Where the bytes are: packages</h2>
          ${drawTreemap(packageBoxes(report), 'What packages take')}
        </section>
        ${packageSection(report.packages.list)}
        ${script}
      </body>
    </html> `.source;
}

function partitionTable({ partitions }: ImageReport): Markup {
  const rows = partitions.map(
    ({ number, mount = '', offsetBytes, sizeBytes, fileSystem, other, typeName }) =>
      markup`<tr>
        <td>${number}</td>
        <td>${typeName}</td>
        <td>${fileSystem?.kind ?? other ?? ''}</td>
        <td>${fileSystem?.label ?? ''}</td>
        <td class="mono">${fileSystem?.uuid ?? ''}</td>
        <td class="number">${formatSize(offsetBytes)}</td>
        <td class="number">${formatSize(sizeBytes)}</td>
        <td class="number">${fileSystem === undefined ? '' : formatSize(fileSystem.freeBytes)}</td>
        <td class="mono">${mount}</td>
      </tr> `,
  );
  return markup`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>No.</th>
          <th>Type</th>
          <th>File system</th>
          <th>Label</th>
          <th>UUID</th>
          <th class="number">At</th>
          <th class="number">Size</th>
          <th class="number">Free</th>
          <th>Mounted at</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function discSection({ disc }: ImageReport): Markup {
  if (disc === undefined) return markup``;
  const rows = disc.boot.map(
    ({ firmware, path, offsetBytes, sizeBytes }) =>
      markup`<tr>
        <td>${firmware}</td>
        <td class="mono">${path ?? ''}</td>
        <td class="number">${formatSize(offsetBytes)}</td>
        <td class="number">${formatSize(sizeBytes)}</td>
      </tr> `,
  );
  return sectionOf(`Disc: ${disc.fileSystem.label}`, ['Firmware', 'File', 'At', 'Size'], rows);
}

function archiveSection({ archives }: ImageReport): Markup {
  if (archives.length === 0) return markup``;
  const rows = archives.map(
    ({ path, kind, compressions, sizeBytes, unpackedBytes, mount }) =>
      markup`<tr>
        <td class="mono">${path}</td>
        <td>${kind}</td>
        <td>${compressions.join(' + ')}</td>
        <td class="number">${formatSize(sizeBytes)}</td>
        <td class="number">${unpackedBytes === undefined ? '' : formatSize(unpackedBytes)}</td>
        <td class="mono">${mount}</td>
      </tr> `,
  );
  return sectionOf('Root', ['Archive', 'Kind', 'Compression', 'Size', 'Unpacked', 'Mounted at'], rows);
}

function sectionOf(title: string, heads: readonly string[], rows: readonly Markup[]): Markup {
  return markup`<section>
    <h2>${title}</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${heads.map((head) => markup`<th>${head}</th> `)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;
}

function systemCard({ os, architecture, kernel, packages, boot, diskId }: ImageReport): Markup {
  return card('System', [
    ['Operating system', os?.name ?? 'unknown'],
    ['Architecture', architecture ?? 'unknown'],
    ['Kernel', kernel === undefined ? 'none found' : `${kernel.version ?? 'unknown version'}, ${kernel.file}`],
    ['Kernel file', kernel === undefined ? '' : formatSize(kernel.sizeBytes)],
    ['Modules', kernel === undefined ? '' : `${kernel.modules.join(', ')} ${formatSize(kernel.modulesBytes)}`],
    ['Packages', `${packages.count}, ${formatSize(packages.diskBytes)} on disk`],
    ['From no package', formatSize(packages.unownedBytes)],
    ['Disk id', diskId ?? ''],
    ['Command line', boot.commandLine],
    ['config.txt', boot.configTxt.filter((line) => !line.startsWith('#')).join(' · ')],
  ]);
}

function seedCard(seed: SeedSummary): Markup {
  return card('Seed', [
    ['User-data', seed.kind],
    ['Host name', seed.hostname ?? 'not given'],
    ['Instance-id', seed.instanceId ?? 'missing'],
    ...seed.users.flatMap(({ name, password, sudo, sshKeys }): [string, string][] => [
      [
        'User',
        `${name}: password ${password === 'set' ? 'set' : 'not set'}${sudo ? ', sudo' : ''}, ${sshKeys.length} ssh ${sshKeys.length === 1 ? 'key' : 'keys'}`,
      ],
      ...sshKeys.map(({ type, fingerprint, comment }): [string, string] => ['', `${type} ${fingerprint} ${comment}`]),
    ]),
    ...seed.network.interfaces.map(({ name, kind, addresses, accessPoints }): [string, string] => [
      'Network',
      [`${name} (${kind})`, ...addresses, ...accessPoints.map(({ ssid }) => `"${ssid}"`)].join(' '),
    ]),
    ['Timezone', seed.timezone ?? ''],
    ['Installs', seed.packages.join(' ')],
    ['Writes', seed.writesFiles.join(' ')],
    ['Commands', seed.commands === 0 ? '' : seed.commands.toString()],
    ...seed.problems.map((problem): [string, string] => ['Problem', problem]),
  ]);
}

function card(title: string, rows: readonly (readonly [string, string])[]): Markup {
  const shown = rows
    .filter(([, value]) => value !== '')
    .map(
      ([key, value]) =>
        markup`<dt>${key}</dt>
          <dd>${value}</dd> `,
    );
  return markup`<section class="card">
    <h2>${title}</h2>
    <dl>${shown}</dl>
  </section>`;
}

function packageSection(list: readonly PackageReport[]): Markup {
  const rows = list.map(
    ({ name, version, architecture, section, summary, diskBytes, declaredBytes }) =>
      markup`<tr>
        <td>${name}</td>
        <td class="mono">${version}</td>
        <td>${architecture}</td>
        <td>${section}</td>
        <td class="number" data-value="${diskBytes}">${formatSize(diskBytes)}</td>
        <td class="number" data-value="${declaredBytes}">${formatSize(declaredBytes)}</td>
        <td>${summary}</td>
      </tr> `,
  );
  return markup`<section>
    <h2>Packages</h2>
    <p>
      <input id="search" type="search" placeholder="Search" aria-label="Search packages" />
      <span id="count" class="soft">${list.length}</span>
    </p>
    <div class="scroll">
      <table id="packages">
        <thead>
          <tr>
            <th><button>Name</button></th>
            <th><button>Version</button></th>
            <th><button>Architecture</button></th>
            <th><button>Section</button></th>
            <th class="number"><button>On disk</button></th>
            <th class="number"><button>dpkg says</button></th>
            <th><button>What it is</button></th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;
}
