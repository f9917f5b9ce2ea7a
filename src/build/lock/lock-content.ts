import { basename } from 'node:path';
import type { BuildRequest } from '../build-request.js';
import type { ImageLock } from './lock-file.js';
import { outdated } from './locked-nodes.js';
import { kernelTarball } from '../../model/board.js';

type Download = ImageLock['downloads'][number];
type OwnFile = ImageLock['files'][number];

/** Every file of the web that a build pins by digest. */
export function pinnedDownloads({ spec: { board }, firmware, userland }: BuildRequest): readonly Download[] {
  const ofFirmware = (firmware?.files ?? [])
    .filter(({ path }) => board.firmware?.files.includes(path))
    .flatMap(({ path, sha256, sizeBytes }) =>
      (firmware?.sources ?? []).flatMap((source): Download[] => {
        if (!('url' in source)) return [];
        const deb = firmware?.sources.find((one) => 'debian' in one);
        return [
          {
            name: path,
            url: withoutSecrets(source.url.replaceAll('{path}', path)),
            sha256,
            sizeBytes,
            ...(deb !== undefined && 'debian' in deb ? { insteadOf: deb.debian.package } : {}),
            why: [`boot firmware of board ${board.id}`],
          },
        ];
      }),
    );
  const tarball = kernelTarball(board.kernel);
  const ofKernel =
    tarball === undefined ? [] : [download(tarball.url, tarball.sha256, `kernel source of board ${board.id}`)];
  if (userland.from !== 'debian') return [...ofFirmware, ...ofKernel];
  const { dockerBundle, software } = userland;
  return [
    ...ofFirmware,
    ...ofKernel,
    ...(dockerBundle === undefined
      ? []
      : [download(dockerBundle.url, dockerBundle.sha256, "Docker's static programs")]),
    ...software.flatMap(({ name, files }) =>
      files.flatMap(({ source: from, sha256 }) =>
        'url' in from ? [download(from.url, sha256, `software ${name}`)] : [],
      ),
    ),
  ];
}

/** Files of the user that a build reads, by what they are called and what they hash to. */
export function ownFiles(
  { userland, patches, fragments }: BuildRequest,
  digest: (text: string) => string,
): readonly OwnFile[] {
  const ofKernel = [
    ...patches.map(({ file, text }) => ({ name: basename(file), sha256: digest(text), why: ['kernel patch'] })),
    ...fragments.map(({ file, text }) => ({ name: basename(file), sha256: digest(text), why: ['kernel fragment'] })),
  ];
  if (userland.from !== 'debian') return ofKernel;
  const { images, software } = userland;
  return [
    ...ofKernel,
    ...images.map(({ name, sha256 }) => ({ name, sha256, why: ['container image'] })),
    ...software.flatMap(({ name, files }) =>
      files.flatMap(({ source, sha256 }) =>
        'path' in source ? [{ name: basename(source.path), sha256, why: [`software ${name}`] }] : [],
      ),
    ),
  ];
}

/** Throws UserError `lock-outdated` where the build pins a file that the lock does not have. */
export function requireLocked(
  request: BuildRequest,
  lock: ImageLock,
  path: string,
  digest: (text: string) => string,
): void {
  const known = new Set([...lock.downloads, ...lock.files].map(({ sha256 }) => sha256));
  const unknown = [...pinnedDownloads(request), ...ownFiles(request, digest)].filter(
    ({ sha256 }) => !known.has(sha256),
  );
  if (unknown.length === 0) return;
  throw outdated(
    path,
    unknown.map(({ name, why, sha256 }) => `${name} (${why.join(', ')}) with sha256 ${sha256} is not in it`),
  );
}

function download(url: string, sha256: string, why: string): Download {
  return { name: basename(new URL(url).pathname), url: withoutSecrets(url), sha256, why: [why] };
}

/** A lock goes into version control: names, passwords and tokens of a URL do not. */
function withoutSecrets(text: string): string {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  url.search = '';
  return url.href;
}
