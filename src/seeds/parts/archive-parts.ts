import { describeFound } from '../../config/wording.js';
import { followAlias, pairOf, type YamlNode } from '../../config/yaml-nodes.js';
import { positionFinder, type Path, type Position, type YamlSource } from '../../config/yaml-source.js';
import type { Problem } from '../../errors.js';
import { asMapping, readSeedYaml, yamlFindings } from '../yaml/cloud-init-yaml.js';
import type { SeedFile } from '../text/seed.js';
import type { Part, Parts } from './parts.js';

/** The parts of a cloud-config-archive: a list of texts, or of mappings with `content` and `type`. Code: `wrong-type`. */
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
  for (const [index, entry] of (source.value as readonly unknown[]).entries()) {
    const { content, type } = typeof entry === 'string' ? { content: entry } : (asMapping(entry) ?? {});
    if (typeof content !== 'string') {
      problems.push(
        wrong(`a part must be text or have text as "content", found ${describeFound(entry, true)}`, [index]),
      );
    } else if (type !== undefined && (typeof type !== 'string' || !type.includes('/'))) {
      problems.push(wrong(`"type" must be a content type such as "text/cloud-config"`, [index, 'type']));
    } else {
      const place = placeOf(source, index);
      // ARCHIVE_UNDEF_TYPE of cloudinit/user_data.py, 25.1.
      parts.push(
        type === undefined ? { text: content, otherwise: 'cloud-config', place } : { text: content, type, place },
      );
    }
  }
  return { parts, findings: { ...findings, problems } };
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
