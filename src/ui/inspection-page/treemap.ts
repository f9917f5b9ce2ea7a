import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';
import { formatSize } from '../../model/bytes.js';
import type { Markup } from './markup.js';
import { markup } from './markup.js';

/** A box of a treemap; a box with children is as large as they are together. */
export type Box = {
  readonly name: string;
  /** For the tooltip: the whole path. */
  readonly path: string;
  readonly bytes: number;
  readonly children?: readonly Box[];
  /** What its colour is chosen by; children without one have their parent's. */
  readonly group?: string;
};

const WIDTH = 1200;
const HEIGHT = 640;
const HEADER = 16;
/** Of one letter at the page's size of labels. */
const LETTER_WIDTH = 6.6;
const LINE_HEIGHT = 14;
const COLOURS = 10;
/** Smaller boxes cannot be seen. */
const SMALLEST_SIDE = 1;

/** Boxes by size as an SVG, laid out here: the page needs no program for it. */
export function drawTreemap(root: Box, title: string): Markup {
  const tree = hierarchy<Box>(root, (box) => box.children)
    .sum((box) => (box.children === undefined ? box.bytes : 0))
    .sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  const laidOut = treemap<Box>()
    .tile(treemapSquarify)
    .size([WIDTH, HEIGHT])
    .paddingInner(1)
    .paddingOuter((node) => (node.depth === 0 ? 0 : 1))
    .paddingTop((node) => (node.depth === 0 || node.children === undefined ? 0 : HEADER))
    .round(true)(tree);
  const colours = new Map<string, number>();
  const boxes = laidOut.descendants().flatMap((node) => {
    const [width, height] = [node.x1 - node.x0, node.y1 - node.y0];
    if (node.depth === 0 || width < SMALLEST_SIDE || height < SMALLEST_SIDE) return [];
    const group = node.ancestors().find(({ data }) => data.group !== undefined)?.data.group ?? '';
    const colour = colours.get(group) ?? colours.size % COLOURS;
    colours.set(group, colour);
    const isFolder = node.children !== undefined;
    return [
      markup`<g class="k${colour}${isFolder ? ' folder' : ''}"
        ><title>${node.data.path}: ${formatSize(node.value ?? 0)}</title
        ><rect
          x="${node.x0}"
          y="${node.y0}"
          width="${width}"
          height="${height}"
        />${label(node.data.name, formatSize(node.value ?? 0), node.x0, node.y0, width, height, isFolder)}</g
      > `,
    ];
  });
  return markup`<svg class="treemap" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">${boxes}</svg>`;
}

function label(
  name: string,
  size: string,
  x: number,
  y: number,
  width: number,
  height: number,
  isFolder: boolean,
): Markup {
  const letters = Math.floor((width - 8) / LETTER_WIDTH);
  if (letters < 3 || height < LINE_HEIGHT) return markup``;
  const text = isFolder ? `${name}  ${size}` : name;
  const first = markup`<text x="${x + 4}" y="${y + 12}">${shortened(text, letters)}</text>`;
  const hasRoom = !isFolder && height >= 2 * LINE_HEIGHT && size.length <= letters;
  return hasRoom ? markup`${first}<text class="size" x="${x + 4}" y="${y + 12 + LINE_HEIGHT}">${size}</text>` : first;
}

function shortened(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
}
