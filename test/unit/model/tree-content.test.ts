import { describe, expect, it } from 'vitest';
import { measureTree } from '../../../src/model/tree-content.js';

describe('measureTree', () => {
  it('counts whole blocks for data and an inode for everything', () => {
    const content = measureTree([
      { type: 'folder', sizeBytes: 0 },
      { type: 'file', sizeBytes: 0 },
      { type: 'file', sizeBytes: 1 },
      { type: 'file', sizeBytes: 4097 },
      { type: 'link', sizeBytes: 59 },
      { type: 'link', sizeBytes: 60 },
      { type: 'other', sizeBytes: 0 },
    ]);
    expect(content).toEqual({ bytes: (1 + 0 + 1 + 2 + 0 + 1 + 0) * 4096, files: 7 });
  });
});
