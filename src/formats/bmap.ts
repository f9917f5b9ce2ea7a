import { type XmlDocument, type XmlElement, XmlElement as Element, parseXml } from '@rgrove/parse-xml';
import { UserError } from '../errors.js';
import { sha256 } from '../model/sha256.js';

/** Blocks that hold something, both ends included, and the sha256 (hex) of their bytes; the image may end within the last one. */
export type BlockRange = { readonly firstBlock: number; readonly lastBlock: number; readonly sha256: string };

/** Which blocks of an image have to be written. Blocks outside of the ranges may keep what was on the card before. */
export type BlockMap = {
  readonly imageSizeBytes: number;
  readonly blockSizeBytes: number;
  /** Ascending, without overlaps. */
  readonly ranges: readonly BlockRange[];
};

const CHECKSUM_ELEMENT = 'BmapFileChecksum';
const NO_CHECKSUM = '0'.repeat(64);
/** 1.4 has the elements of 2.0; 1.3 and older have SHA-1 in attributes of another name. */
const VERSIONS = ['1.4', '2.0'];

export function blocksOf({ imageSizeBytes, blockSizeBytes }: Pick<BlockMap, 'imageSizeBytes' | 'blockSizeBytes'>) {
  return Math.ceil(imageSizeBytes / blockSizeBytes);
}

/**
 * A block map of version 2.0, as bmaptool reads it (bmaptool's BmapCreate.py and BmapCopy.py). Its own checksum is
 * that of the text with zeros in the checksum's place.
 */
export function formatBmap(map: BlockMap): string {
  const mapped = map.ranges.reduce((sum, { firstBlock, lastBlock }) => sum + lastBlock - firstBlock + 1, 0);
  const text = `<?xml version="1.0" ?>
<!-- The blocks of an image that its file systems use; all others need not be written: bmaptool copy IMAGE DEVICE -->
<bmap version="2.0">
    <ImageSize> ${map.imageSizeBytes} </ImageSize>
    <BlockSize> ${map.blockSizeBytes} </BlockSize>
    <BlocksCount> ${blocksOf(map)} </BlocksCount>
    <MappedBlocksCount> ${mapped} </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <${CHECKSUM_ELEMENT}> ${NO_CHECKSUM} </${CHECKSUM_ELEMENT}>
    <BlockMap>
${map.ranges.map((range) => `        <Range chksum="${range.sha256}"> ${formatBlocks(range)} </Range>\n`).join('')}    </BlockMap>
</bmap>
`;
  return text.replace(NO_CHECKSUM, sha256(text));
}

/**
 * Reads a block map and checks it as a whole: its own checksum, that counts and ranges agree, that each range has a
 * sha256. Throws UserError `bmap-invalid`.
 *
 * @param file its name, for messages
 */
export function parseBmap(xml: string, file = 'the block map'): BlockMap {
  const fail = (what: string, cause?: unknown): never => {
    throw new UserError('bmap-invalid', `${file} is not a block map that can be used: ${what}`, {
      hints: ['Take the .bmap that was made with the image, or leave it out: then every block is written.'],
      cause,
    });
  };
  const root = readRoot(xml, fail);
  const version = root.attributes.version ?? 'none';
  if (!VERSIONS.includes(version)) fail(`its version is ${version}, not ${VERSIONS.join(' or ')}`);
  const field = (name: string): string => {
    const element = childrenOf(root).find((child) => child.name === name);
    return element === undefined ? fail(`it has no ${name}`) : element.text.trim();
  };
  const count = (name: string): number => {
    const text = field(name);
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return Number.isSafeInteger(value) ? value : fail(`${name} is "${text}", not a number of bytes or blocks`);
  };
  const type = field('ChecksumType');
  if (type !== 'sha256') fail(`its checksums are ${type}; sha256 is expected`);
  checkItself(xml, field(CHECKSUM_ELEMENT), fail);

  const size = { imageSizeBytes: count('ImageSize'), blockSizeBytes: count('BlockSize') };
  if (size.blockSizeBytes === 0) fail('BlockSize is 0');
  const blocks = blocksOf(size);
  if (count('BlocksCount') !== blocks) {
    fail(`BlocksCount is ${field('BlocksCount')}; ImageSize and BlockSize make ${blocks}`);
  }
  const mapElement = childrenOf(root).find(({ name }) => name === 'BlockMap') ?? fail('it has no BlockMap');
  const ranges: BlockRange[] = [];
  let mapped = 0;
  for (const element of childrenOf(mapElement)) {
    const range = readRange(element, fail);
    if (range.firstBlock <= (ranges.at(-1)?.lastBlock ?? -1)) {
      fail(`the range ${formatBlocks(range)} does not come after the one before it`);
    }
    if (range.lastBlock >= blocks) fail(`the range ${formatBlocks(range)} ends behind the last block, ${blocks - 1}`);
    mapped += range.lastBlock - range.firstBlock + 1;
    ranges.push(range);
  }
  if (count('MappedBlocksCount') !== mapped) {
    fail(`MappedBlocksCount is ${field('MappedBlocksCount')}; its ranges have ${mapped} blocks`);
  }
  return { ...size, ranges };
}

type Fail = (what: string, cause?: unknown) => never;

function readRoot(xml: string, fail: Fail): XmlElement {
  let document: XmlDocument;
  try {
    document = parseXml(xml);
  } catch (error) {
    const first = (error as Error).message.split('\n')[0] ?? '';
    return fail(`it is not XML (${first})`, error);
  }
  const { root } = document;
  if (root?.name !== 'bmap') return fail(`its root element is ${root?.name ?? 'missing'}, not bmap`);
  return root;
}

function childrenOf(element: XmlElement): readonly XmlElement[] {
  return element.children.filter((child): child is XmlElement => child instanceof Element);
}

/** The digest stands for itself as zeros; only there, so that a range with the same digits keeps its own. */
function checkItself(xml: string, expected: string, fail: Fail): void {
  if (!/^[0-9a-f]{64}$/.test(expected)) fail(`${CHECKSUM_ELEMENT} is "${expected}", not a sha256`);
  const start = xml.indexOf(expected, xml.indexOf(`<${CHECKSUM_ELEMENT}`));
  const blank = xml.slice(0, start) + NO_CHECKSUM + xml.slice(start + expected.length);
  if (sha256(blank) !== expected) fail('it was damaged or edited: its own checksum does not hold');
}

function readRange(element: XmlElement, fail: Fail): BlockRange {
  const text = element.text.trim();
  const match = /^(\d+)(?:\s*-\s*(\d+))?$/.exec(text);
  if (element.name !== 'Range' || match === null) return fail(`"${element.name} ${text}" is not a range of blocks`);
  const firstBlock = Number(match[1]);
  const lastBlock = Number(match[2] ?? match[1]);
  if (!Number.isSafeInteger(lastBlock) || lastBlock < firstBlock) return fail(`the range ${text} goes backwards`);
  const digest = element.attributes.chksum;
  if (digest === undefined) return fail(`the range ${text} has no checksum`);
  if (!/^[0-9a-f]{64}$/.test(digest)) return fail(`the checksum of the range ${text} is not a sha256`);
  return { firstBlock, lastBlock, sha256: digest };
}

function formatBlocks({ firstBlock, lastBlock }: BlockRange): string {
  return firstBlock === lastBlock ? `${firstBlock}` : `${firstBlock}-${lastBlock}`;
}
