import { formatSize } from '../model/bytes.js';
import type { BundleFacts } from '../updates/bundle/inspect-bundle.js';
import type { MadeBundle } from '../updates/bundle/make-bundle.js';

export function describeBundle(facts: BundleFacts): readonly string[] {
  return [
    `Bundle      ${facts.bundle}, ${formatSize(facts.sizeBytes)}, format ${facts.format}`,
    `For         ${facts.compatible}`,
    `Version     ${facts.version}`,
    `Signature   ${facts.signedBy === undefined ? 'not checked: name a keyring with --keyring' : `of ${facts.signedBy}, checked`}`,
    ...facts.images.map(
      ({ slot, file, sizeBytes, sha256, isAdaptive }) =>
        `${slot.padEnd(11)} ${file}, ${formatSize(sizeBytes)}${isAdaptive ? ', with an index of its blocks' : ''}, ${sha256}`,
    ),
  ];
}

export function describeMadeBundle(made: MadeBundle): readonly string[] {
  return [
    `${made.bundle}: version ${made.version} for ${made.compatible}, ${formatSize(made.sizeBytes)}`,
    `sha256 ${made.sha256}`,
  ];
}
