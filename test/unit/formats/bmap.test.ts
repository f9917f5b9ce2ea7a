import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BlockMap } from '../../../src/formats/bmap.js';
import { formatBmap, parseBmap } from '../../../src/formats/bmap.js';
import { UserError } from '../../../src/errors.js';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const MAP: BlockMap = {
  imageSizeBytes: 821_752,
  blockSizeBytes: 4096,
  ranges: [
    { firstBlock: 0, lastBlock: 1, digest: A },
    { firstBlock: 12, lastBlock: 12, digest: B },
    { firstBlock: 200, lastBlock: 200, digest: A },
  ],
  digestType: 'sha256',
  isOfFileSystems: true,
};
const WITHOUT_DIGESTS = MAP.ranges.map(({ firstBlock, lastBlock }) => ({ firstBlock, lastBlock }));

/** The map with something else in it, and a checksum of its own that holds. */
function edited(from: string | RegExp, to: string): string {
  const text = formatBmap(MAP).replace(from, to);
  const zeros = '0'.repeat(64);
  const blank = text.replace(/(<BmapFileChecksum> )[0-9a-f]{64}/, `$1${zeros}`);
  return blank.replace(zeros, createHash('sha256').update(blank).digest('hex'));
}

function refusal(xml: string): UserError {
  try {
    parseBmap(xml, 'card.bmap');
  } catch (error) {
    if (error instanceof UserError) return error;
  }
  throw new Error('it was not refused');
}

describe('a block map', () => {
  it('says what bmaptool needs to know', () => {
    const text = formatBmap(MAP);
    expect(text).toContain('<bmap version="2.0">');
    expect(text).toContain('<BlocksCount> 201 </BlocksCount>');
    expect(text).toContain('<MappedBlocksCount> 4 </MappedBlocksCount>');
    expect(text).toContain(`<Range chksum="${A}"> 0-1 </Range>`);
    expect(text).toContain(`<Range chksum="${B}"> 12 </Range>`);
  });

  it('reads back as it was', () => {
    expect(parseBmap(formatBmap(MAP))).toEqual(MAP);
    expect(parseBmap(formatBmap({ ...MAP, ranges: [] }))).toEqual({ ...MAP, ranges: [] });
  });

  it('is read in the older version with the same elements', () => {
    expect(parseBmap(edited('version="2.0"', 'version="1.4"'))).toEqual(MAP);
  });

  it('is read with checksums of another kind', () => {
    for (const [digestType, digits] of [
      ['sha1', 40],
      ['sha512', 128],
      ['md5', 32],
    ] as const) {
      const ranges = WITHOUT_DIGESTS.map((range) => ({ ...range, digest: 'c'.repeat(digits) }));
      const text = formatBmap({ ...MAP, ranges })
        .replace('> sha256 <', `> ${digestType} <`)
        .replace(/(<BmapFileChecksum> )\w+/, `$1${'0'.repeat(digits)}`);
      const xml = text.replace(/0{32,}/, createHash(digestType).update(text).digest('hex'));
      expect(parseBmap(xml)).toEqual({ ...MAP, ranges, digestType });
      expect(refusal(xml.replace('> 0-1 <', '>  0-1 <')).message).toContain('damaged or edited');
    }
  });

  it('is read without checksums of its ranges', () => {
    expect(parseBmap(edited(/ chksum="\w+"/g, ''))).toEqual({ ...MAP, ranges: WITHOUT_DIGESTS });
  });

  it('is read as bmaptool 2 wrote version 1.3, with SHA-1 of the map and of each range', () => {
    const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');
    const text = formatBmap(MAP)
      .replace('version="2.0"', 'version="1.3"')
      .replace(/.*ChecksumType.*\n/, '')
      .replace(/<BmapFileChecksum>.*<\/BmapFileChecksum>/, `<BmapFileSHA1> ${'0'.repeat(40)} </BmapFileSHA1>`)
      .replace(/chksum="\w+"/g, `sha1="${sha1('a')}"`);
    const xml = text.replace('0'.repeat(40), sha1(text));
    const ranges = WITHOUT_DIGESTS.map((range) => ({ ...range, digest: sha1('a') }));
    expect(parseBmap(xml)).toEqual({ ...MAP, ranges, digestType: 'sha1' });
    expect(refusal(xml.replace('> 0-1 <', '>  0-1 <')).message).toContain('damaged or edited');
  });

  it('is read as version 1.2, which has no checksums at all', () => {
    const xml = formatBmap(MAP)
      .replace('version="2.0"', 'version="1.2"')
      .replace(/.*(?:ChecksumType|BmapFileChecksum).*\n/g, '')
      .replace(/ chksum="\w+"/g, '');
    expect(parseBmap(xml)).toEqual({ ...MAP, ranges: WITHOUT_DIGESTS });
  });

  it('tells one that was made of file systems from one that was made of holes', () => {
    expect(parseBmap(edited(/<!--.*-->\n/, '')).isOfFileSystems).toBe(false);
  });

  it('is read as other tools space it', () => {
    expect(parseBmap(edited(/> (\S+) <\/Range>/g, '>$1</Range>'))).toEqual(MAP);
    expect(parseBmap(edited(/\n/g, '\r\n'))).toEqual(MAP);
  });

  it.each([
    { what: 'no XML', xml: 'hello', says: 'not XML' },
    { what: 'an empty file', xml: '', says: 'not XML' },
    { what: 'other XML', xml: '<html></html>', says: 'its root element is html' },
    { what: 'half of a map', xml: formatBmap(MAP).slice(0, 400), says: 'not XML' },
    { what: 'a version of tomorrow', xml: edited('version="2.0"', 'version="3.0"'), says: 'its version is 3.0' },
    { what: 'CRC', xml: edited('> sha256 <', '> crc32 <'), says: 'its checksums are crc32' },
    { what: 'the wrong digits', xml: edited('> sha256 <', '> sha1 <'), says: 'not a sha1' },
    { what: 'a changed digit', xml: formatBmap(MAP).replace('> 0-1 <', '> 0-2 <'), says: 'damaged or edited' },
    { what: 'no checksum of its own', xml: edited(/.*BmapFileChecksum.*\n/, ''), says: 'no BmapFileChecksum' },
    { what: 'no size', xml: edited(/.*ImageSize.*\n/, ''), says: 'no ImageSize' },
    { what: 'a size in words', xml: edited('821752', 'large'), says: 'ImageSize is "large"' },
    { what: 'a size beyond all numbers', xml: edited('821752', '9'.repeat(30)), says: 'ImageSize is "9999' },
    { what: 'blocks of no size', xml: edited('> 4096 <', '> 0 <'), says: 'BlockSize is 0' },
    { what: 'another number of blocks', xml: edited('> 201 <', '> 200 <'), says: 'make 201' },
    { what: 'another number of mapped blocks', xml: edited('> 4 <', '> 5 <'), says: 'its ranges have 4 blocks' },
    { what: 'no ranges at all', xml: edited(/ *<BlockMap>[^]*<\/BlockMap>\n/, ''), says: 'no BlockMap' },
    { what: 'a range behind the end', xml: edited('> 200 <', '> 201 <'), says: 'ends behind the last block, 200' },
    { what: 'a range that goes backwards', xml: edited('> 0-1 <', '> 1-0 <'), says: '1-0 goes backwards' },
    { what: 'ranges that overlap', xml: edited('> 12 <', '> 1 <'), says: 'does not come after' },
    { what: 'a range in words', xml: edited('> 12 <', '> a dozen <'), says: '"Range a dozen" is not a range' },
    { what: 'a short checksum', xml: edited(B, 'bb'), says: 'the range 12 is not a sha256' },
    { what: 'an element of its own', xml: edited(/<Range [^]*?<\/Range>/, '<Hole/>'), says: 'is not a range' },
  ])('is refused with $what, and the message names the file', ({ xml, says }) => {
    const error = refusal(xml);
    expect(error.code).toBe('bmap-invalid');
    expect(error.message).toContain('card.bmap');
    expect(error.message).toContain(says);
  });
});
