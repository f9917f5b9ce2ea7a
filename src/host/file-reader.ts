import type { FileHandle } from 'node:fs/promises';
import type { ReadAt, ReadInto } from '../model/read-at.js';
import { readAtOf } from '../model/read-at.js';

export function fileReadInto(file: FileHandle): ReadInto {
  return async (target, offsetBytes) => (await file.read(target, 0, target.length, offsetBytes)).bytesRead;
}

/** Reads a file that is open; its end gives fewer bytes. */
export function fileReader(file: FileHandle): ReadAt {
  return readAtOf(fileReadInto(file));
}
