import { describeFound } from '../../config/wording.js';
import { followAlias, pairOf, type YamlNode } from '../../config/yaml-nodes.js';
import { positionFinder, type Path, type Position, type YamlSource } from '../../config/yaml-source.js';
import type { Problem } from '../../errors.js';
import { asMapping, readSeedYaml, yamlFindings } from '../yaml/cloud-init-yaml.js';
import type { SeedFile } from '../text/seed.js';
import { ignoredPart, type Part, type Parts } from './parts.js';

/**
 * The parts of a cloud-config-archive: a list of texts, or of mappings with `content` and `type` (_explode_archive of
 * cloudinit/user_data.py, 25.1). Codes: `wrong-type` for what cloud-init breaks off at; warning `seed-part-ignored`.
 */
export function archiveParts(file: SeedFile): Parts {
  const source = readSeedYaml(file);
  const findings = yamlFindings(source);
  if (findings.problems.length > 0) return { parts: [], findings };
  const wrong = (message: string, path: Path): Problem => ({
    code: 'wrong-type',
    message,
    file: file.file,
    ...source.locate(path),
  });
  if (!Array.isArray(source.value)) {
    const problems = [wrong('a cloud-config-archive must be a list of parts', [])];
    return { parts: [], findings: { ...findings, problems } };
  }
  const parts: Part[] = [];
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  for (const [index, entry] of (source.value as readonly unknown[]).entries()) {
    const values = typeof entry === 'string' ? { content: entry } : asMapping(entry);
    if (values === undefined || !('content' in values)) {
      const why = values === undefined ? `it must be text or a mapping, not ${describeFound(entry, true)}` : NO_CONTENT;
      warnings.push({ ...ignoredPart(why), file: file.file, ...source.locate([index]) });
      continue;
    }
    const { content, type } = values;
    const faults = partFaults(values);
    problems.push(...faults.map(({ key, message }) => wrong(message, [index, key])));
    if (typeof content !== 'string' || faults.length > 0) continue;
    const place = placeOf(source, index);
    parts.push({ text: content, ...(isGiven(type) ? { type: String(type) } : {}), isOfArchive: true, place });
  }
  return { parts, findings: { problems, warnings: [...findings.warnings, ...warnings] } };
}

const NO_CONTENT = 'it has no "content"';

/** Keys that are no header of the part. */
const PART_KEYS = ['content', 'type', 'filename', 'launch-index'];

/** What Python breaks off at, and with it the whole user-data. */
function partFaults(values: Readonly<Record<string, unknown>>): { readonly key: string; readonly message: string }[] {
  const { content, type } = values;
  const faults: { readonly key: string; readonly message: string }[] = [];
  if (typeof content !== 'string') {
    const message = `a part must have text as "content", found ${describeFound(content, true)}`;
    faults.push({ key: 'content', message });
  }
  if (isGiven(type) && (typeof type !== 'string' || !type.includes('/'))) {
    faults.push({ key: 'type', message: '"type" must be a content type such as "text/cloud-config"' });
  }
  for (const [key, value] of Object.entries(values)) {
    if (PART_KEYS.includes(key.toLowerCase()) || typeof value === 'string') continue;
    faults.push({
      key,
      message: `"${key}" becomes a header of the part, and must be text, not ${describeFound(value, true)}`,
    });
  }
  return faults;
}

/** Whatever Python calls false is no type. */
function isGiven(type: unknown): boolean {
  return type !== undefined && type !== null && type !== '' && type !== false && type !== 0;
}

/** Lines of a block after "|" stand as they are; of other styles only the beginning is known. */
function placeOf(source: YamlSource, index: number): Part['place'] {
  const node = contentNode(source, index);
  const path = node?.inMapping === true ? [index, 'content'] : [index];
  const beginning = source.locate(path);
  if (node?.value.kind !== 'scalar' || node.value.style !== 'literal') return () => beginning;
  const { line } = positionFinder(source.text)(node.value.start);
  const lines = source.text.split(/\r\n|\n|\r/);
  const first = lines.slice(line).find((text) => text.trim() !== '') ?? '';
  const indent = first.length - first.trimStart().length;
  return (inner?: Position) =>
    inner === undefined ? beginning : { line: line + inner.line, column: indent + inner.column };
}

function contentNode(source: YamlSource, index: number) {
  const root = source.root === undefined ? undefined : followAlias(source.root);
  const item: YamlNode | undefined = root?.kind === 'sequence' ? root.items[index] : undefined;
  const entry = item === undefined ? undefined : followAlias(item);
  if (entry?.kind !== 'mapping') return entry === undefined ? undefined : { value: entry, inMapping: false };
  const pair = pairOf(entry, 'content');
  return pair === undefined ? undefined : { value: followAlias(pair.value), inMapping: true };
}
