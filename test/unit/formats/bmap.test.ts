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
    { firstBlock: 0, lastBlock: 1, sha256: A },
    { firstBlock: 12, lastBlock: 12, sha256: B },
    { firstBlock: 200, lastBlock: 200, sha256: A },
  ],
};

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
    { what: 'SHA-1', xml: edited('> sha256 <', '> sha1 <'), says: 'its checksums are sha1' },
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
    { what: 'a range without a checksum', xml: edited(` chksum="${B}"`, ''), says: 'the range 12 has no checksum' },
    { what: 'a short checksum', xml: edited(B, 'bb'), says: 'the range 12 is not a sha256' },
    { what: 'an element of its own', xml: edited(/<Range [^]*?<\/Range>/, '<Hole/>'), says: 'is not a range' },
  ])('is refused with $what, and the message names the file', ({ xml, says }) => {
    const error = refusal(xml);
    expect(error.code).toBe('bmap-invalid');
    expect(error.message).toContain('card.bmap');
    expect(error.message).toContain(says);
  });
});
