import type { ImageDescription, ImageInput } from '../../images/image-description.js';
import { isKernelSource } from '../../model/kernel-source.js';
import type { KernelReport } from '../image-report.js';
import type { Component } from './component.js';
import { debPurl } from './debian-components.js';

/**
 * What an image has beside packages that dpkg knows: its kernel, firmware, static programs, container images, software
 * of the user's own, by the build's description of it.
 */
export function buildComponents(
  description: ImageDescription | undefined,
  kernel: KernelReport | undefined,
): readonly Component[] {
  const inputs = description?.inputs ?? [];
  const kernels = kernelComponents(inputs, kernel);
  if (description === undefined) return kernels;
  const { architecture, docker, software } = description;
  const fetched = inputs.filter((one) => one.kind === 'source-package' && !isKernelSource(one.name));
  return [
    ...kernels,
    ...fetched.map((one) => unpackedPackage(one, architecture)),
    ...inputs.filter(({ kind }) => kind === 'firmware').map(firmwareFile),
    ...(docker.bundle === undefined
      ? []
      : [
          plain('application', `docker-bundle:${docker.bundle.version}`, 'docker', {
            version: docker.bundle.version,
            purl: `pkg:generic/docker@${docker.bundle.version}`,
            file: { name: `docker-${docker.bundle.version}.tgz`, sha256: docker.bundle.sha256 },
            licences: { spdx: ['Apache-2.0'], others: [], by: 'fields' },
          }),
        ]),
    ...docker.images.map(({ tags, sha256 }) => containerImage(tags, sha256)),
    ...software.flatMap(({ name, files }) =>
      files.map(({ to, sha256 }) =>
        plain('application', `software:${name}:${to}`, name, { summary: `the file ${to}`, file: { name: to, sha256 } }),
      ),
    ),
  ];
}

function kernelComponents(inputs: readonly ImageInput[], kernel: KernelReport | undefined): readonly Component[] {
  if (kernel === undefined) return [];
  const source = inputs.find(({ kind, name }) => kind === 'source-package' && isKernelSource(name));
  const tarball = inputs.find(({ kind, name }) => kind === 'download' && /^linux|\.tar\./.test(name));
  const madeWith = inputs.flatMap(({ kind, name, sha256 }) => {
    if (sha256 === undefined || (kind !== 'kernel-patch' && kind !== 'kernel-fragment')) return [];
    return [{ kind: kind === 'kernel-patch' ? ('patch' as const) : ('configuration' as const), name, sha256 }];
  });
  const version = kernel.version ?? source?.version ?? '';
  const from: Component[] =
    source?.version === undefined
      ? []
      : [
          plain('source', `source:linux:${source.version}`, 'linux', {
            version: source.version,
            purl: debPurl('linux', source.version, 'source'),
            supplier: 'Debian Kernel Team <debian-kernel@lists.debian.org>',
            ...fileOf(source),
          }),
        ];
  return [
    plain('kernel', 'kernel', 'linux', {
      version,
      purl: `pkg:generic/linux@${encodeURIComponent(version)}`,
      summary: `the kernel ${kernel.file}, compiled by reswarm-os`,
      licences: { spdx: ['GPL-2.0-only WITH Linux-syscall-note'], others: [], by: 'fields' },
      ...(from[0] === undefined ? {} : { source: from[0].id }),
      ...(tarball === undefined || source !== undefined ? {} : fileOf(tarball)),
      madeWith,
    }),
    ...from,
  ];
}

/** What was only unpacked: boot firmware, radio firmware, the boot loader, a C library, sources of static programs. */
function unpackedPackage(input: ImageInput, architecture: string): Component {
  const { name, version = '' } = input;
  const isFirmware = /firmware|brcm|bluez/.test(name);
  const isSource = input.sizeBytes === undefined;
  const kind = isFirmware ? 'firmware' : isSource ? 'source' : 'application';
  const arch = isSource ? 'source' : isFirmware || name.startsWith('linux-source') ? 'all' : architecture;
  return plain(kind, `unpacked:${name}:${version}`, name, {
    version,
    purl: debPurl(name, version, arch),
    architecture: arch,
    ...fileOf(input),
  });
}

function firmwareFile(input: ImageInput): Component {
  const { name, version = '' } = input;
  return plain('firmware', `firmware:${name}`, name, {
    ...(version === ''
      ? {}
      : { version, purl: `pkg:generic/raspberrypi-firmware@${encodeURIComponent(version)}#${name}` }),
    supplier: 'Raspberry Pi Ltd',
    ...fileOf(input),
  });
}

function containerImage(tags: readonly string[], sha256: string): Component {
  const tag = tags[0] ?? sha256;
  const [repository = tag, version] = tag.split(/:(?=[^/]*$)/);
  const name = repository.split('/').at(-1) ?? repository;
  return plain('container', `container:${sha256}`, name, {
    ...(version === undefined ? {} : { version }),
    purl: `pkg:oci/${encodeURIComponent(name.toLowerCase())}?repository_url=${encodeURIComponent(repository)}${version === undefined ? '' : `&tag=${encodeURIComponent(version)}`}`,
    summary: `container image ${tags.join(', ')}`,
    file: { name: `${name}.tar`, sha256 },
  });
}

function fileOf({ name, sha256, sizeBytes }: ImageInput): Pick<Component, 'file'> {
  return {
    file: { name, ...(sha256 === undefined ? {} : { sha256 }), ...(sizeBytes === undefined ? {} : { sizeBytes }) },
  };
}

function plain(kind: Component['kind'], id: string, name: string, more: Partial<Component>): Component {
  return { id, kind, name, dependsOn: [], ...more };
}
