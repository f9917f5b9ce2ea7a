import type { Board } from '../model/board.js';
import type { Json } from '../model/json.js';
import { imagerTags, raspberryPiCpu } from '../model/raspberry-pi.js';

/** A finished image as it is offered to others. */
export type PublishedImage = {
  readonly board: Pick<Board, 'id' | 'name' | 'models' | 'soc' | 'architecture'>;
  /** One sentence: what the image is for. */
  readonly description: string;
  /** Of reswarm-os. */
  readonly version: string;
  /** ISO 8601, UTC: how new its packages are. */
  readonly packagesAsOf: string;
  /** The image itself, whatever it is packed into. */
  readonly image: { readonly sizeBytes: number; readonly sha256: string };
  /** The file that is fetched. */
  readonly file: { readonly name: string; readonly sizeBytes: number; readonly sha256: string };
  readonly blockMap: string;
  /** Where both lie, with a slash at its end. */
  readonly urlBase: string;
};

/**
 * A list for Raspberry Pi Imager, which also opens it as a file `*.rpi-imager-manifest` (rpi-imager,
 * doc/json-schema/os-list-schema.json). Undefined for a board that is no Raspberry Pi.
 */
export function imagerList(published: PublishedImage): Json | undefined {
  const { board, description, packagesAsOf, image, file, blockMap, urlBase } = published;
  const devices = imagerTags(board.models);
  if (devices.length === 0) return undefined;
  return {
    os_list: [
      {
        name: `Reswarm OS for ${board.name}`,
        description,
        // One that Imager itself has.
        icon: 'icons/use_custom.png',
        url: urlBase + encodeURIComponent(file.name),
        bmap_url: urlBase + encodeURIComponent(blockMap),
        extract_size: image.sizeBytes,
        extract_sha256: image.sha256,
        image_download_size: file.sizeBytes,
        image_download_sha256: file.sha256,
        release_date: packagesAsOf.slice(0, 10),
        init_format: 'cloudinit-rpi',
        devices,
        architecture: 'armv8',
      },
    ],
  };
}

/** A supportedBoards.json with one board and one image; size and digest are of the file that is fetched. */
export function supportedBoards({ board, version, packagesAsOf, file, urlBase }: PublishedImage): Json {
  const cpu = raspberryPiCpu(board.models);
  const seconds = packagesAsOf.slice(0, 19);
  return {
    latestUpdate: seconds,
    boards: [
      {
        board: cpu === undefined ? board.id : 'raspberrypi',
        boardname: cpu === undefined ? board.name : 'Raspberry Pi',
        model: board.id,
        modelname: board.name,
        architecture: board.architecture,
        cpu: cpu ?? board.soc,
        latestImages: [
          {
            osname: 'ReswarmOS',
            osvariant: 'image',
            version,
            file: file.name,
            size: file.sizeBytes,
            sha256: file.sha256,
            buildtime: seconds.replace(/[-:]/g, ''),
            download: urlBase + encodeURIComponent(file.name),
            // There are no update bundles of these images.
            update: '',
          },
        ],
      },
    ],
  };
}
