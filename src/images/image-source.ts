import { resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { MiB } from '../model/bytes.js';

/** What stands for standard input on a command line. */
const STANDARD_INPUT = '-';
/** Lists of digests and block maps; whoever sends more sends something else. */
const MOST_TEXT_BYTES = 16 * MiB;

/** Where an image comes from, and what lies beside it there. */
export type ImageSource = {
  readonly kind: 'file' | 'url' | 'standard-input';
  /** As people know it, without a password. */
  readonly name: string;
  /** A path, or the path in a URL; empty where nothing lies beside it. */
  readonly path: string;
  /** Files of this machine that are read; no drive that holds one is written. */
  readonly files: readonly string[];
  /** A text beside the image; undefined where there is none. */
  readText(path: string): Promise<string | undefined>;
  /** A path beside the image, as people know it. */
  show(path: string): string;
  readonly url?: URL;
};

/** Throws UserError `url-invalid`. */
export function imageSource(image: string, host: Host): ImageSource {
  if (image === STANDARD_INPUT) {
    return {
      kind: 'standard-input',
      name: 'standard input',
      path: '',
      // A file or a drive that a shell opened for us is one that is read too.
      files: ['/proc/self/fd/0'],
      readText: () => Promise.resolve(undefined),
      show: (path) => path,
    };
  }
  return /^https?:/i.test(image) ? webSource(image, host) : fileSource(image);
}

function fileSource(image: string): ImageSource {
  return {
    kind: 'file',
    name: image,
    path: image,
    files: [resolve(image)],
    show: (path) => path,
    async readText(path) {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}

function webSource(image: string, host: Host): ImageSource {
  if (!URL.canParse(image)) {
    throw new UserError('url-invalid', `"${image}" is not an address of the web`, {
      hints: ['It looks like https://server/folder/image.img.xz'],
    });
  }
  const url = new URL(image);
  url.hash = '';
  const at = (path: string): URL => {
    const other = new URL(url);
    other.pathname = path.split('/').map(encodeURIComponent).join('/');
    return other;
  };
  const shown = (other: URL): string => {
    const bare = new URL(other);
    bare.username = '';
    bare.password = '';
    return bare.href;
  };
  return {
    kind: 'url',
    name: shown(url),
    path: decoded(url.pathname),
    files: [],
    url,
    readText: (path) => host.remoteText(at(path), MOST_TEXT_BYTES),
    show: (path) => shown(at(path)),
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
