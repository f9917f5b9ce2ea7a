import type { Problem } from '../../errors.js';
import { describePath } from '../../config/wording.js';
import type { Path, YamlSource } from '../../config/yaml-source.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import type { Findings } from '../text/findings.js';

/**
 * Line ends of Windows that YAML does not turn into ordinary ones: escapes in quotes, and what is packed in base64.
 * `#!/bin/sh\r` names an interpreter that nobody has. Code: `crlf-in-script`.
 */
export function scripts(source: YamlSource): Findings {
  const config = asMapping(source.value) ?? {};
  const problems = [
    ...listOf(config['write_files']).flatMap((item, index) => writtenFile(source, ['write_files', index], item)),
    ...['runcmd', 'bootcmd'].flatMap((key) =>
      listOf(config[key]).flatMap((item, index) =>
        [item].flat().some((word) => typeof word === 'string' && word.includes('\r'))
          ? [crlf(source, [key, index])]
          : [],
      ),
    ),
  ];
  return { problems, warnings: [] };
}

function writtenFile(source: YamlSource, path: Path, item: unknown): Problem[] {
  const file = asMapping(item) ?? {};
  const content = file['content'];
  if (typeof content !== 'string') return [];
  const encoding = file['encoding'];
  const isBase64 = encoding === 'b64' || encoding === 'base64';
  const text = isBase64 ? Buffer.from(content, 'base64').toString('latin1') : content;
  return text.startsWith('#!') && text.includes('\r\n') ? [crlf(source, [...path, 'content'])] : [];
}

function crlf(source: YamlSource, path: Path): Problem {
  return {
    code: 'crlf-in-script',
    message: `"${describePath(path)}" holds line ends of Windows (CR LF), with which a script does not start`,
    hint: 'Save the script with LF line ends and put it in again, as a block after "|".',
    file: source.file,
    ...source.locate(path),
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
