import { type XmlDocument, type XmlElement, XmlElement as Element, parseXml } from '@rgrove/parse-xml';
import { createHash } from 'node:crypto';
import { UserError } from '../errors.js';
import { sha256 } from '../model/sha256.js';

/** Blocks that hold something, both ends included; the image may end within the last one. */
export type BlockRange = {
  readonly firstBlock: number;
  readonly lastBlock: number;
  /** Of their bytes, in hex; old maps, and some new ones, have none. */
  readonly digest?: string;
};

/** In what the digests are; of the names that bmaptool takes, those that makers of images use. */
export type BmapDigest = 'sha256' | 'sha1' | 'sha512' | 'md5';

/** Which blocks of an image have to be written. Blocks outside of the ranges may keep what was on the card before. */
export type BlockMap = {
  readonly imageSizeBytes: number;
  readonly blockSizeBytes: number;
  /** Ascending, without overlaps. */
  readonly ranges: readonly BlockRange[];
  readonly digestType: BmapDigest;
  /** Leaves out what the file systems call free, and nothing else. Others leave out the holes of a sparse file. */
  readonly isOfFileSystems: boolean;
};

const CHECKSUM_ELEMENT = 'BmapFileChecksum';
const NO_CHECKSUM = '0'.repeat(64);
const OWN_COMMENT =
  'The blocks of an image that its file systems use; all others need not be written: bmaptool copy IMAGE DEVICE';

/** What the versions differ in (bmaptool, BmapCopy.py). Up to 1.2 there are no digests at all. */
type Dialect = {
  /** The element that holds the digest of the map itself, and the attribute that holds that of a range. */
  readonly own?: string;
  readonly ofRange?: string;
  /** undefined: an element says it. */
  readonly digestType?: BmapDigest;
};
const MODERN: Dialect = { own: CHECKSUM_ELEMENT, ofRange: 'chksum' };
const DIALECTS: Readonly<Record<string, Dialect>> = {
  '1.0': {},
  '1.1': {},
  '1.2': {},
  '1.3': { own: 'BmapFileSHA1', ofRange: 'sha1', digestType: 'sha1' },
  '1.4': MODERN,
  '2.0': MODERN,
};
const DIGEST_DIGITS: Readonly<Record<BmapDigest, number>> = { sha256: 64, sha1: 40, sha512: 128, md5: 32 };

export function blocksOf({ imageSizeBytes, blockSizeBytes }: Pick<BlockMap, 'imageSizeBytes' | 'blockSizeBytes'>) {
  return Math.ceil(imageSizeBytes / blockSizeBytes);
}

/**
 * A block map of version 2.0 with sha256, as bmaptool reads it (bmaptool's BmapCreate.py and BmapCopy.py). Its own checksum is
 * that of the text with zeros in the checksum's place.
 */
export function formatBmap(map: Pick<BlockMap, 'imageSizeBytes' | 'blockSizeBytes' | 'ranges'>): string {
  const mapped = map.ranges.reduce((sum, { firstBlock, lastBlock }) => sum + lastBlock - firstBlock + 1, 0);
  const text = `<?xml version="1.0" ?>
<!-- ${OWN_COMMENT} -->
<bmap version="2.0">
    <ImageSize> ${map.imageSizeBytes} </ImageSize>
    <BlockSize> ${map.blockSizeBytes} </BlockSize>
    <BlocksCount> ${blocksOf(map)} </BlocksCount>
    <MappedBlocksCount> ${mapped} </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <${CHECKSUM_ELEMENT}> ${NO_CHECKSUM} </${CHECKSUM_ELEMENT}>
    <BlockMap>
${map.ranges.map((range) => `        <Range${formatDigest(range)}> ${formatBlocks(range)} </Range>\n`).join('')}    </BlockMap>
</bmap>
`;
  return text.replace(NO_CHECKSUM, sha256(text));
}

/**
 * Reads a block map of any version and checks it as a whole: its own checksum, where it has one, and that counts and
 * ranges agree. Throws UserError `bmap-invalid`.
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
  const dialect =
    DIALECTS[version] ?? fail(`its version is ${version}, not one of ${Object.keys(DIALECTS).join(', ')}`);
  const field = (name: string): string => {
    const element = childrenOf(root).find((child) => child.name === name);
    return element === undefined ? fail(`it has no ${name}`) : element.text.trim();
  };
  const count = (name: string): number => {
    const text = field(name);
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return Number.isSafeInteger(value) ? value : fail(`${name} is "${text}", not a number of bytes or blocks`);
  };
  const type = dialect.digestType ?? (dialect.own === undefined ? 'sha256' : field('ChecksumType'));
  const digestType =
    digestTypes.find((known) => known === type) ??
    fail(`its checksums are ${type}; known are ${digestTypes.join(', ')}`);
  if (dialect.own !== undefined)
    checkItself(xml, { element: dialect.own, expected: field(dialect.own), digestType }, fail);

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
    const range = readRange(element, { attribute: dialect.ofRange, digestType }, fail);
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
  return { ...size, ranges, digestType, isOfFileSystems: xml.includes(OWN_COMMENT) };
}

const digestTypes = Object.keys(DIGEST_DIGITS) as readonly BmapDigest[];

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
function checkItself(
  xml: string,
  {
    element,
    expected,
    digestType,
  }: { readonly element: string; readonly expected: string; readonly digestType: BmapDigest },
  fail: Fail,
): void {
  if (!isDigest(expected, digestType)) fail(`${element} is "${expected}", not a ${digestType}`);
  const start = xml.indexOf(expected, xml.indexOf(`<${element}`));
  const blank = xml.slice(0, start) + '0'.repeat(expected.length) + xml.slice(start + expected.length);
  const found = createHash(digestType).update(blank).digest('hex');
  if (found !== expected.toLowerCase()) fail('it was damaged or edited: its own checksum does not hold');
}

function isDigest(text: string, digestType: BmapDigest): boolean {
  return text.length === DIGEST_DIGITS[digestType] && /^[0-9a-f]+$/i.test(text);
}

function readRange(
  element: XmlElement,
  { attribute, digestType }: { readonly attribute: string | undefined; readonly digestType: BmapDigest },
  fail: Fail,
): BlockRange {
  const text = element.text.trim();
  const match = /^(\d+)(?:\s*-\s*(\d+))?$/.exec(text);
  if (element.name !== 'Range' || match === null) return fail(`"${element.name} ${text}" is not a range of blocks`);
  const firstBlock = Number(match[1]);
  const lastBlock = Number(match[2] ?? match[1]);
  if (!Number.isSafeInteger(lastBlock) || lastBlock < firstBlock) return fail(`the range ${text} goes backwards`);
  const digest = attribute === undefined ? undefined : element.attributes[attribute];
  if (digest === undefined) return { firstBlock, lastBlock };
  if (!isDigest(digest, digestType)) return fail(`the checksum of the range ${text} is not a ${digestType}`);
  return { firstBlock, lastBlock, digest: digest.toLowerCase() };
}

function formatDigest({ digest }: BlockRange): string {
  return digest === undefined ? '' : ` chksum="${digest}"`;
}

function formatBlocks({ firstBlock, lastBlock }: BlockRange): string {
  return firstBlock === lastBlock ? `${firstBlock}` : `${firstBlock}-${lastBlock}`;
}
