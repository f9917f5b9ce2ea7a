import type { Problem } from '../../errors.js';
import type { Findings } from '../text/findings.js';
import type { SeedFile } from '../text/seed.js';

/**
 * The addresses that an `#include` names, one a line (_do_include of cloudinit/user_data.py, 25.1). What they hold is
 * known on the device only. Codes: `include-url-invalid`, `include-nothing`; warning `seed-unchecked`.
 */
export function includeFindings({ file, text }: SeedFile): Findings {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  for (const [index, row] of text.split(/\r?\n/).entries()) {
    const line = row.replace(/^#include(-once)?\s*/i, '').trim();
    if (line === '' || line.startsWith('#')) continue;
    const at = { file, line: index + 1, column: 1 };
    if (/^(https?|ftps?):\/\/[^/\s]|^file:\/\/\/|^\//i.test(line)) {
      const message = `what is at ${withoutSecrets(line)} is known on the device only, and not checked here`;
      const hint = line.startsWith('/') ? 'A file of the device, not of this machine.' : 'Check it on its own.';
      warnings.push({ code: 'seed-unchecked', message, hint, ...at });
    } else {
      const message = `"${line}" is not an address that cloud-init can fetch`;
      problems.push({ code: 'include-url-invalid', message, hint: 'Begin it with https:// or http://.', ...at });
    }
  }
  if (problems.length + warnings.length === 0) {
    const message = 'this #include names no address: cloud-init would do nothing';
    problems.push({ code: 'include-nothing', message, hint: 'Write one address a line.', file, line: 1, column: 1 });
  }
  return { problems, warnings };
}

function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/\?.*$/, '');
}
