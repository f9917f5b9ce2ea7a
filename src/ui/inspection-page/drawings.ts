import { isExtended } from '../../formats/partition-types.js';
import type { BootRecord } from '../../model/boot-record.js';
import { formatSize } from '../../model/bytes.js';
import type { ImageReport, PartitionReport } from '../../inspect/image-report.js';
import type { Markup } from './markup.js';
import { markup } from './markup.js';

const WIDTH = 1200;
const DISK_HEIGHT = 44;

/** The image from its first to its last byte: partitions, what is used in them, and what lies between. */
export function drawDisk({ sizeBytes, partitions }: ImageReport): Markup {
  const scale = WIDTH / sizeBytes;
  const boxes = partitions.filter((one) => !isExtended(one)).map((partition) => partitionBox(partition, scale));
  return markup`<svg
    class="disk"
    viewBox="0 0 ${WIDTH} ${DISK_HEIGHT + 20}"
    role="img"
    aria-label="Partitions of the image"
  >
    <rect class="gap" x="0" y="0" width="${WIDTH}" height="${DISK_HEIGHT}" />
    ${boxes}
  </svg>`;
}

function partitionBox(
  { number, offsetBytes, sizeBytes, fileSystem, mount = '' }: PartitionReport,
  scale: number,
): Markup {
  const [x, width] = [round(offsetBytes * scale), Math.max(2, round(sizeBytes * scale))];
  const used = fileSystem === undefined ? sizeBytes : fileSystem.sizeBytes - fileSystem.freeBytes;
  const kind = fileSystem === undefined ? 'none' : fileSystem.kind.startsWith('fat') ? 'fat' : 'ext';
  const title = `Partition ${number} ${mount}: ${formatSize(sizeBytes)}, ${formatSize(used)} used`;
  return markup`<g
    ><title>${title}</title><rect class="free" x="${x}" y="0" width="${width}" height="${DISK_HEIGHT}" /><rect
      class="${kind}"
      x="${x}"
      y="0"
      width="${round(Math.min(width, used * scale))}"
      height="${DISK_HEIGHT}"
    /><text x="${x}" y="${DISK_HEIGHT + 14}">${number} ${mount}</text></g
  > `;
}

const ROW_HEIGHT = 20;
const TITLE_WIDTH = 200;
const TIME_WIDTH = 80;

/** When each milestone of a boot check came: a bar from the one before it to its own time. */
export function drawTimeline(record: BootRecord): Markup {
  const longest = Math.max(1, ...record.milestones.map(({ seconds = 0 }) => seconds));
  const scale = (WIDTH - TITLE_WIDTH - TIME_WIDTH) / longest;
  let before = 0;
  const rows = record.milestones.map(({ title, ok, seconds }, index) => {
    const y = index * ROW_HEIGHT;
    const [from, to] = [Math.min(before, seconds ?? before), seconds ?? before];
    before = Math.max(before, to);
    const x = round(TITLE_WIDTH + from * scale);
    const width = Math.max(1, round((to - from) * scale));
    const time = seconds === undefined ? 'did not come' : `${seconds.toFixed(1)} s`;
    return markup`<g class="${ok ? 'good' : 'bad'}"
      ><text x="0" y="${y + 14}">${ok ? '' : '✗ '}${title}</text
      ><rect x="${x}" y="${y + 4}" width="${width}" height="${ROW_HEIGHT - 8}" /><text
        x="${x + width + 6}"
        y="${y + 14}"
        >${time}</text
      ></g
    > `;
  });
  const result = record.passed ? markup`<span class="ok">passed</span>` : markup`<span class="failed">failed</span>`;
  const boot = record.bootSeconds === undefined ? '' : `, docker info after ${record.bootSeconds.toFixed(1)} s`;
  return markup`<p>
      ${result} on ${record.machine},
      ${record.checkedAt}${boot}${record.stopped === undefined ? '' : ` (${record.stopped})`}
    </p>
    <svg
      class="time"
      viewBox="0 0 ${WIDTH} ${record.milestones.length * ROW_HEIGHT}"
      role="img"
      aria-label="When each milestone came"
    >
      ${rows}
    </svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
