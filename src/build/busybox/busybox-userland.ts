import type { Node } from '../../pipeline/graph.js';
import { stageNode, valueNode } from '../../pipeline/graph.js';
import { checkTinySeed } from '../../seeds/tiny/check-tiny-seed.js';
import { BUSYBOX_SOURCE, busyboxStage } from '../../sources/busybox/busybox.js';
import type { TinyProgram } from '../../sources/busybox/busybox-tree.js';
import { busyboxTree } from '../../sources/busybox/busybox-tree.js';
import { tinyTexts } from '../../sources/busybox/tiny-release.js';
import { DROPBEAR_SOURCE, dropbearStage } from '../../sources/dropbear/dropbear.js';
import { LIBYAML_SOURCE, libyamlStage } from '../../sources/musl/libyaml.js';
import type { BuildRequest } from '../build-request.js';
import { sourcesNode } from '../debian-nodes.js';
import { muslNode } from '../small/musl-node.js';
import { nativeProgramNode } from '../small/native-program.js';
import { reportWarnings } from '../report-warnings.js';
import { seedSources } from '../small/seed-sources.js';
import type { UserlandNodes, UserlandParts } from '../userland.js';
import type { BusyboxRequest } from './busybox-request.js';

/** A root of BusyBox, whose own program reads a part of cloud-init's seed. */
export function busyboxUserland(request: BuildRequest, tiny: BusyboxRequest, parts: UserlandParts): UserlandNodes {
  const { tools, packages, hardware, surroundings } = parts;
  const { spec, sourceDateEpoch, version } = request;
  const { board } = spec;
  const toolchain = muslNode(board.architecture, tools, packages);
  const hasSsh = tiny.root.ssh === 'dropbear';
  const wanted = [BUSYBOX_SOURCE, LIBYAML_SOURCE, ...(hasSsh ? [DROPBEAR_SOURCE] : [])];
  const sources = sourcesNode(wanted, tools, packages, surroundings);
  const given = { toolchain, sources };
  const busybox = stageNode(busyboxStage, given, ({ toolchain, sources }) => {
    return { toolchain, source: sources.source(BUSYBOX_SOURCE), ...tiny.options, sourceDateEpoch };
  });
  const libyaml = stageNode(libyamlStage, given, ({ toolchain, sources }) => {
    return { toolchain, source: sources.source(LIBYAML_SOURCE) };
  });
  const seedReader = nativeProgramNode('seed-reader', request.projectDir, toolchain, libyaml);
  const dropbear = hasSsh
    ? stageNode(dropbearStage, given, ({ toolchain, sources }) => {
        return { toolchain, source: sources.source(DROPBEAR_SOURCE), options: tiny.dropbearOptions };
      })
    : undefined;
  const { kernel } = hardware;
  const [layer, ...overlays] = tiny.folders;
  if (layer === undefined) throw new TypeError('a root of BusyBox has no layer');
  const tree = valueNode({ busybox, seedReader, dropbear, kernel }, (made) => {
    const programs: readonly TinyProgram[] = [
      { ...made.seedReader, places: ['/usr/libexec/seed-reader'] },
      ...(made.dropbear === undefined ? [] : [{ ...made.dropbear, places: made.dropbear.links }]),
    ];
    const release = { board, version, hostname: spec.hostname, seedSources: seedSources(request, parts.identity) };
    return busyboxTree({
      busybox: made.busybox,
      programs,
      layer,
      overlays,
      texts: tinyTexts({ ...release, kernel: made.kernel.key, busybox: made.busybox.key, sourceDateEpoch }),
      mountPoints: [],
      sourceDateEpoch,
    });
  });
  return {
    tree,
    compiledFrom: sources,
    ofSeed: [],
    sources: [sources, busybox, seedReader, dropbear].filter((node): node is Node<never> => node !== undefined),
    checkInputs(_runner, reporter) {
      reportWarnings(checkTinySeed(request.seed, hasSsh).warnings, reporter);
      return Promise.resolve();
    },
    checkContent: () => Promise.resolve(),
  };
}
