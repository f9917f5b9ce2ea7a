import { STATIC_PACKAGES } from '../small/musl-node.js';
import { GRUB_PACKAGES } from '../../sources/grub/grub-modules.js';
import { flavourPackages } from '../../sources/kernel/kernel-flavour.js';
import type { BuildOptions } from '../build-options.js';
import type { BuildRequest } from '../build-request.js';
import { kernelPackages } from '../debian-nodes.js';
import type { AskedBy } from './reasons.js';

/** Who asks for each package by its name: layers, the board, the system, flags. */
export function askedBy(request: BuildRequest, options: BuildOptions): AskedBy {
  const { board, system } = request.spec;
  const asked = new Map<string, string[]>();
  const add = (words: readonly string[], reason: string): void => {
    for (const word of words) {
      const name = word.split(/[=/]/)[0] ?? word;
      asked.set(name, [...(asked.get(name) ?? []), reason]);
    }
  };
  add(kernelPackages(board), `kernel source of board ${board.id}`);
  add(
    (request.firmware?.sources ?? []).flatMap((source) => ('debian' in source ? [source.debian.package] : [])),
    `boot firmware of board ${board.id}`,
  );
  add(
    board.wireless.map((one) => one.package),
    `radio firmware of board ${board.id}`,
  );
  add(GRUB_PACKAGES, `boot loader of board ${board.id}`);
  const { userland } = request;
  if (userland.from !== 'debian') {
    add(STATIC_PACKAGES, 'C library of static programs');
    return userland.from === 'workload' ? withWorkload(userland.workload, add, asked) : asked;
  }
  const { root } = userland;
  for (const layer of root.layers) add(layer.packages, `layer ${layer.name}`);
  add(flavourPackages(board), `kernel flavour of board ${board.id}`);
  const isFlag = (word: string): boolean => options.packages.includes(word);
  add(root.packages.filter(isFlag), '--packages');
  add(
    root.packages.filter((word) => !isFlag(word)),
    `board ${board.id} or system ${system.id}`,
  );
  return asked;
}

function withWorkload(
  workload: { readonly id: string; readonly packages: readonly string[] },
  add: (words: readonly string[], reason: string) => void,
  asked: AskedBy,
): AskedBy {
  add(workload.packages, `workload ${workload.id}`);
  return asked;
}
