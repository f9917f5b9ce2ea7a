import type { DeviceTreeNode } from '../../src/formats/device-tree.js';
import { cellsOf, childOf, textsOf } from '../../src/formats/device-tree.js';

/** A device of a device tree that is switched on, with all that is above it. */
export type Device = {
  /** `/soc/mmc@7e202000` */
  readonly path: string;
  /** Most specific first. */
  readonly compatible: readonly string[];
  /** Paths of the devices that have to be there before this one starts: what it refers to, and its bus. */
  readonly suppliers: readonly string[];
};

/** Properties that name suppliers, with the property of the supplier that counts its arguments: drivers/of/property.c. */
const REFERENCES: readonly (readonly [RegExp, string | undefined])[] = [
  [/^clocks$/, '#clock-cells'],
  [/^assigned-clock(-parent)?s$/, '#clock-cells'],
  [/^interconnects$/, '#interconnect-cells'],
  [/^iommus$/, '#iommu-cells'],
  [/^mboxes$/, '#mbox-cells'],
  [/^io-channels$/, '#io-channel-cells'],
  [/^dmas$/, '#dma-cells'],
  [/^power-domains$/, '#power-domain-cells'],
  [/^nvmem-cells$/, '#nvmem-cell-cells'],
  [/^phys$/, '#phy-cells'],
  [/^pinctrl-\d$/, undefined],
  [/^pwms$/, '#pwm-cells'],
  [/^resets$/, '#reset-cells'],
  [/^msi-parent$/, '#msi-cells'],
  [/-supply$/, undefined],
  [/^(.+-)?gpios?$/, '#gpio-cells'],
  [/^interrupts-extended$/, '#interrupt-cells'],
  [/^thermal-sensors$/, '#thermal-sensor-cells'],
  // Not in that list: the drivers themselves wait for these.
  [/^(mmc-pwrseq|firmware|raspberrypi,firmware|phy-handle|vdd_sdio)$/, undefined],
];

/** All devices that are switched on: `status` "okay" or none, here and above, and a `compatible`. */
export function devicesOf(root: DeviceTreeNode): readonly Device[] {
  const places = placesOf(root);
  const byPhandle = new Map(
    places.flatMap((place) => cellsOf(place.node, 'phandle').map((id) => [id, place] as const)),
  );
  return places
    .filter(({ node, isOn, parent }) => isOn && parent !== undefined && node.properties.has('compatible'))
    .map((place) => ({
      path: place.path,
      compatible: textsOf(place.node, 'compatible'),
      suppliers: [...new Set(suppliersOf(place, byPhandle))].filter((path) => path !== place.path && path !== '/'),
    }));
}

/** Paths of nodes that are switched off themselves, and that something which is on refers to. */
export function suppliersThatAreOff(root: DeviceTreeNode): readonly string[] {
  const devices = devicesOf(root);
  const on = new Set(devices.map(({ path }) => path));
  return [...new Set(devices.flatMap(({ suppliers }) => suppliers))].filter((path) => !on.has(path));
}

/** The device that /chosen calls the console. */
export function consoleOf(root: DeviceTreeNode): string | undefined {
  const chosen = childOf(root, 'chosen');
  const aliases = childOf(root, 'aliases');
  const [name] = chosen === undefined ? [] : (textsOf(chosen, 'stdout-path')[0] ?? '').split(':');
  if (name === undefined || name.startsWith('/')) return name;
  return aliases === undefined ? undefined : textsOf(aliases, name)[0];
}

type Place = {
  readonly path: string;
  readonly node: DeviceTreeNode;
  readonly parent: Place | undefined;
  readonly isOn: boolean;
};

function placesOf(node: DeviceTreeNode, parent?: Place): Place[] {
  const path = parent === undefined ? '/' : `${parent.path === '/' ? '' : parent.path}/${node.name}`;
  const [status = 'okay'] = textsOf(node, 'status');
  const place = { path, node, parent, isOn: (parent?.isOn ?? true) && (status === 'okay' || status === 'ok') };
  return [place, ...node.children.flatMap((child) => placesOf(child, place))];
}

function suppliersOf(place: Place, byPhandle: ReadonlyMap<number, Place>): string[] {
  const referred = [...withoutDevices(place)].flatMap(({ properties }) =>
    [...properties.keys()].flatMap((property) => {
      const reference = REFERENCES.find(([pattern]) => pattern.test(property));
      // The pins of a hog are its parent's: numbers, no references.
      if (reference === undefined || properties.has('gpio-hog')) return [];
      return targetsOf(properties, property, reference[1], byPhandle);
    }),
  );
  const targets = [
    ...referred,
    ...interruptParents(place, byPhandle),
    ...(place.parent === undefined ? [] : [place.parent]),
  ];
  return targets.map((target) => deviceAt(target).path);
}

/** The node and those below that belong to it, such as the states of a pin controller and the ports of a hub. */
function* withoutDevices({ node }: Pick<Place, 'node'>): Generator<DeviceTreeNode> {
  yield node;
  for (const child of node.children) if (!child.properties.has('compatible')) yield* withoutDevices({ node: child });
}

function targetsOf(
  properties: DeviceTreeNode['properties'],
  property: string,
  countedBy: string | undefined,
  byPhandle: ReadonlyMap<number, Place>,
): Place[] {
  const cells = cellsOf({ name: '', properties, children: [] }, property);
  const targets: Place[] = [];
  for (let index = 0; index < cells.length;) {
    const target = byPhandle.get(cells[index] ?? 0);
    if (target !== undefined) targets.push(target);
    const args = target === undefined || countedBy === undefined ? 0 : (cellsOf(target.node, countedBy)[0] ?? 0);
    index += 1 + args;
  }
  return targets;
}

function interruptParents(place: Place, byPhandle: ReadonlyMap<number, Place>): Place[] {
  if (!place.node.properties.has('interrupts')) return [];
  for (let above: Place | undefined = place; above !== undefined; above = above.parent) {
    const [id] = cellsOf(above.node, 'interrupt-parent');
    const target = id === undefined ? undefined : byPhandle.get(id);
    if (target !== undefined) return [target];
    if (above !== place && above.node.properties.has('interrupt-controller')) return [above];
  }
  return [];
}

/** A supplier may be a part of a device: a regulator of a chip, a state of a pin controller, a cell of a memory. */
function deviceAt(place: Place): Place {
  return place.node.properties.has('compatible') || place.parent === undefined ? place : deviceAt(place.parent);
}
