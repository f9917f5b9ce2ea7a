import type { Problem } from '../errors.js';
import type { ConfigTxtLines, LineProblem } from './config-txt-files.js';
import { settingOf } from './config-txt-files.js';
import type { DeviceTreeNode } from './device-tree.js';
import { childOf, textsOf } from './device-tree.js';

/** A device tree, compiled: the name of its file, and its root. */
export type NamedTree = { readonly name: string; readonly root: DeviceTreeNode };

/** What the firmware puts together, all of it compiled; `name` of an overlay is that of `dtoverlay=`. */
export type DeviceTrees = { readonly trees: readonly NamedTree[]; readonly overlays: readonly NamedTree[] };

/**
 * `dtoverlay=` and `dtparam=` lines that the firmware would not carry out, without a word that anyone would see: an
 * overlay that fits none of the device trees, a parameter that neither the overlay above it nor a device tree has.
 * `sections` in the order of config.txt. With no `trees`, which is how a board without a kernel looks, only what an
 * overlay's own parameters show is found. An overlay that is not there is no matter of this function.
 *
 * Codes: `device-tree-overlay-unfit`, `config-txt-no-effect`.
 * Source: raspberrypi/documentation, configuration/device-tree.adoc, parts 2.2 and 3.
 */
export function overlayProblems(sections: readonly ConfigTxtLines[], { trees, overlays }: DeviceTrees): LineProblem[] {
  const problems: LineProblem[] = [];
  const exported = new Set(overlays.flatMap(({ root }) => namesIn(root, '__exports__')));
  let scope: NamedTree | undefined;
  for (const { filter, lines } of sections) {
    for (const [index, line] of lines.entries()) {
      const { key, value } = settingOf(line);
      const found: (Problem | undefined)[] = [];
      if (key === 'dtoverlay') {
        const [, name = '', parameters = ''] = /^([^,:]*)[,:]?(.*)$/.exec(value) ?? [];
        scope = overlays.find((overlay) => overlay.name.toLowerCase() === name.toLowerCase());
        if (scope === undefined) continue;
        found.push(unfit(line, scope, trees, exported), unknownParameter(line, parameters, [scope]));
      } else if (key === 'dtparam' || key === 'device_tree_param') {
        const places = scope === undefined ? trees : [scope, ...trees];
        // An overlay's scope or none: without the device trees it is not known what those have.
        if (trees.length > 0) found.push(unknownParameter(line, value, places));
      }
      const [problem] = found.filter((one) => one !== undefined);
      if (problem !== undefined) problems.push({ filter, index, line, problem });
    }
  }
  return problems;
}

/** Labels and paths that an overlay refers to and a device tree does not have; the firmware leaves it out then. */
export function missingTargets(
  overlay: DeviceTreeNode,
  tree: DeviceTreeNode,
  exported: ReadonlySet<string> = new Set(),
): readonly string[] {
  const labels = new Set(namesIn(tree, '__symbols__'));
  const wanted = namesIn(overlay, '__fixups__').filter((label) => !labels.has(label) && !exported.has(label));
  const paths = overlay.children
    .flatMap((fragment) => textsOf(fragment, 'target-path'))
    .filter((path) => !hasPath(tree, path));
  return [...wanted, ...new Set(paths)];
}

function unfit(
  line: string,
  overlay: NamedTree,
  trees: readonly NamedTree[],
  exported: ReadonlySet<string>,
): Problem | undefined {
  const [first, ...others] = trees.map(({ name, root }) => ({
    name,
    root,
    missing: missingTargets(overlay.root, root, exported),
  }));
  if (first === undefined || [first, ...others].some(({ missing }) => missing.length === 0)) return undefined;
  const where = others.length === 0 ? first.name : `any of ${trees.length} device trees (${first.name}, …)`;
  const what = first.missing
    .map((name) => (name.startsWith('/') ? `the node ${name}` : `the label ${name}`))
    .join(', ');
  return {
    code: 'device-tree-overlay-unfit',
    message: `"${line}" does nothing: the overlay ${overlay.name} needs ${what}, which is not in ${where}`,
    hint:
      childOf(first.root, '__symbols__') === undefined
        ? 'The device trees have no labels at all; compile them with `dtc -@`.'
        : `Labels are those of mainline Linux's sources.${nearest(first.missing, namesIn(first.root, '__symbols__'))}`,
  };
}

function unknownParameter(line: string, text: string, places: readonly NamedTree[]): Problem | undefined {
  const known = new Set(places.flatMap(({ root }) => namesIn(root, '__overrides__')));
  const wanted = text.split(',').map((word) => word.split('=')[0]?.trim() ?? '');
  const unknown = wanted.filter((name) => name !== '' && !known.has(name));
  const [first] = unknown;
  if (first === undefined) return undefined;
  const owner = places[0]?.name ?? 'the device tree';
  const message = `"${line}" does nothing: ${owner} has no parameter ${unknown.join(', ')}`;
  const hint =
    known.size === 0
      ? `It has none at all. Remove it, or give ${owner} a node __overrides__.`
      : `It has ${[...known].slice(0, SHOWN_NAMES).join(', ')}${known.size > SHOWN_NAMES ? ', …' : ''}.`;
  return { code: 'config-txt-no-effect', message, hint };
}

const SHOWN_NAMES = 12;

/** Names of the properties of a node below the root, which dtc writes there; not those that belong to the node. */
function namesIn(root: DeviceTreeNode, node: string): string[] {
  const found = childOf(root, node);
  return found === undefined
    ? []
    : [...found.properties.keys()].filter((name) => !/^(linux,)?phandle$|^name$/.test(name));
}

function hasPath(root: DeviceTreeNode, path: string): boolean {
  let node: DeviceTreeNode | undefined = root;
  for (const name of path.split('/').filter((part) => part !== '')) {
    // The unit address may be left out where it is not needed to tell nodes apart.
    node = childOf(node, name) ?? node.children.find((child) => child.name.split('@')[0] === name);
    if (node === undefined) return false;
  }
  return true;
}

/** Labels that are spelt nearly so. */
function nearest(missing: readonly string[], labels: readonly string[]): string {
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]|\d+$/g, '');
  const near = labels.filter((label) => missing.some((name) => plain(label) === plain(name))).slice(0, 4);
  return near.length === 0 ? '' : ` Near: ${near.join(', ')}.`;
}
