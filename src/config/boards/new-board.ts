import type { Board } from '../../model/board.js';

/** A commented board definition to start from. It holds as it is; what is commented out may be taken in line by line. */
export function newBoardText(id: string, from: string, board: Board, schema: string): string {
  const fragments = board.kernel.fragments.map(({ name }) => name);
  const own = fragments.slice(fragments.indexOf('base'));
  return `# yaml-language-server: $schema=${schema}
# Takes over everything that is not written here. Maps are merged, lists are replaced.
# All keys: docs/boards.md. Check it with: reswarm-os boards validate ./${id}.yaml
extends: ${from}

id: ${id}
name: ${id}, a ${board.name}
status:
  qemu: Not tried.
  hardware: Not tried.

# Name of a device whose seed gives none.
# hostname: ${id}

# kernel:
#   # rt: PREEMPT_RT, for bounded latencies.
#   flavour: standard
#   # Your own options: a file with lines like CONFIG_CAN=m.
#   fragments: [${own.join(', ')}, ./${id}.config]
#   # Folder of *.patch files.
#   patches: [./patches]

# Sources of device tree overlays, one of ours or your own; config.txt switches them on.
# deviceTreeOverlays: [i2c1, ./my-hat.dtso]

# configTxt:
#   all:
${board.configTxt
  .filter(({ filter }) => filter === 'all')
  .flatMap(({ lines }) => lines)
  .map((line) => `#     - ${line}\n`)
  .join('')}#     - dtoverlay=i2c1

# partitions:
#   # Free space before the partition grows to the card on first boot.
#   - { name: root, headroom: 64M }

rootfs:
  # Debian packages beside those of the system.
  packages: []
  # Folders that are copied over the root file system; paths from this file.
  overlay: []
`;
}
