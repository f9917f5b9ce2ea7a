import type { Board, BoardHardware, PartitionRequest } from '../../model/board.js';
import type { ImageSpec } from '../../model/image-spec.js';

/** A board as builds know it that do not take an ImageSpec yet. */
export function boardWithImage(board: BoardHardware, spec: Omit<ImageSpec, 'board'>): Board {
  const tree = Object.values(spec.trees).find((one) => one.from === 'debian');
  if (tree === undefined) throw new TypeError('an image without a Debian tree');
  const bundle = tree.layers.map((layer) => layer.bundle).find((one) => typeof one === 'object');
  return {
    ...board,
    description: spec.system.description,
    hostname: spec.hostname,
    partitions: {
      alignmentBytes: spec.alignmentBytes,
      boot: request(spec, 'boot'),
      root: request(spec, 'root'),
    },
    rootfs: { suite: tree.suite, packages: tree.packages, overlays: tree.overlays },
    docker: {
      source: tree.layers.find(({ engine }) => engine !== undefined)?.engine ?? 'none',
      ...(bundle === undefined ? {} : { bundle }),
      images: tree.containerImages,
    },
    software: tree.software,
  };
}

function request(spec: Omit<ImageSpec, 'board'>, role: 'boot' | 'root'): PartitionRequest {
  const partition = spec.partitions.find((one) => one.role === role);
  const volume = spec.volumes[partition?.volume ?? ''];
  if (partition === undefined || volume === undefined) throw new TypeError(`an image without a ${role} partition`);
  return {
    label: volume.label,
    startBytes: partition.startBytes,
    sizeBytes: volume.sizeBytes === 'fit' ? 'auto' : volume.sizeBytes,
    headroomBytes: volume.headroomBytes,
  };
}
