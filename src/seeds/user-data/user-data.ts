import type { Problem } from '../../errors.js';
import { nearestWord } from '../../config/wording.js';
import { checkCloudConfig } from './cloud-config.js';
import type { CloudInitSchemas } from '../schemas/cloud-init-schemas.js';
import { mergeFindings, NOTHING_FOUND, type Findings } from '../text/findings.js';
import { archiveParts } from '../parts/archive-parts.js';
import { includeFindings } from '../parts/include-urls.js';
import { hasStatements, hasTags, templateBody, withPlaceholders } from '../parts/jinja.js';
import { mimeParts } from '../parts/mime-parts.js';
import { PART_TYPES, partKind, placed, type Part, type Parts } from '../parts/parts.js';
import type { SeedFile } from '../text/seed.js';
import { checkText, USER_DATA_LIMIT_BYTES } from '../text/text-file.js';
import { userDataKind, type UserDataKind } from '../text/user-data-header.js';

/**
 * Checks a user-data of any kind: a `#cloud-config` down to each value, alone or as a part of a MIME message, of an
 * archive or of a template. What cannot be known here is said to be unchecked. Without `schemas` (they come out of the
 * image's own cloud-init package, which may not be at hand yet) everything else is checked.
 *
 * Codes: those of checkText, userDataKind, checkCloudConfig, archiveParts, mimeParts, includeFindings, and
 * `seed-part-type`; warnings `seed-unchecked`, `seed-ignored`, `seed-part-ignored`.
 */
export function checkUserData(file: SeedFile, schemas?: CloudInitSchemas): Findings {
  const asText = checkText(file, USER_DATA_LIMIT_BYTES);
  if (asText.problems.length > 0) return asText;
  const kind = userDataKind(file);
  if (typeof kind === 'string') return mergeFindings(asText, checkKind(kind, file, schemas));
  // For a file on its own. That no device should have such a user-data is said by checkSeed.
  const isIgnored = kind.code === 'seed-ignored';
  return mergeFindings(asText, { problems: isIgnored ? [] : [kind], warnings: isIgnored ? [kind] : [] });
}

function checkKind(kind: UserDataKind, file: SeedFile, schemas: CloudInitSchemas | undefined): Findings {
  switch (kind) {
    case 'cloud-config':
      return checkCloudConfig(file, schemas);
    case 'cloud-config-archive':
      return checkParts(archiveParts(file), file, schemas);
    case 'mime':
      return checkParts(mimeParts(file), file, schemas);
    case 'jinja':
      return checkTemplate(file, schemas);
    case 'include':
      return includeFindings(file);
    case 'jsonp':
      return unchecked(file, 'what this JSON patch changes is known on the device only, and not checked here');
    case 'part-handler':
      return unchecked(file, 'this part handler is a Python program, and not checked here');
    // Programs may do anything.
    case 'script':
    case 'boothook':
    case 'empty':
      return NOTHING_FOUND;
  }
}

function unchecked({ file }: SeedFile, message: string): Findings {
  return { problems: [], warnings: [{ code: 'seed-unchecked', message, file, line: 1, column: 1 }] };
}

function checkParts({ parts, findings }: Parts, file: SeedFile, schemas: CloudInitSchemas | undefined): Findings {
  const hasHandler = parts.some((part) => partKind(part, file.file) === 'part-handler');
  const each = parts.map((part) => {
    const { problems, warnings } = checkPart(part, file.file, schemas, hasHandler);
    return { problems: placed(problems, part, file.file), warnings: placed(warnings, part, file.file) };
  });
  return mergeFindings(findings, ...each);
}

function checkPart(part: Part, file: string, schemas: CloudInitSchemas | undefined, hasHandler: boolean): Findings {
  const kind = partKind(part, file);
  if (kind === undefined) {
    if (hasHandler)
      return unchecked(
        { file, text: '' },
        `a part of the type "${part.type}" is for the part handler, and not checked here`,
      );
    const meant = nearestWord(part.type ?? '', Object.keys(PART_TYPES));
    const found: Problem = {
      code: 'seed-part-type',
      message: `cloud-init does not know the type "${part.type}", and would ignore this part`,
      hint:
        meant === undefined
          ? 'A cloud-config is "text/cloud-config", a script "text/x-shellscript".'
          : `Did you mean "${meant}"?`,
    };
    return meant === undefined ? { problems: [], warnings: [found] } : { problems: [found], warnings: [] };
  }
  if (typeof kind !== 'string') {
    if (kind.code !== 'seed-ignored') return { problems: [kind], warnings: [] };
    const message = 'cloud-init would ignore this part: it is neither configuration nor a script';
    return { problems: [], warnings: [{ ...kind, code: 'seed-part-ignored', message }] };
  }
  return keptInClear(checkKind(kind, { file, text: part.text }, schemas));
}

/** Only a user-data that is a cloud-config as a whole gets hashes in the place of passwords. */
function keptInClear({ problems, warnings }: Findings): Findings {
  const said = warnings.map((warning) =>
    warning.code === 'seed-clear-text-password'
      ? {
          ...warning,
          message: 'a password in clear text stays one: it stands inside a part, where it is not replaced by its hash',
        }
      : warning,
  );
  return { problems, warnings: said };
}

/** What a template says without what it fills in: its keys. Values are known on the device only. */
function checkTemplate(file: SeedFile, schemas: CloudInitSchemas | undefined): Findings {
  const body = templateBody(file.text);
  if (!hasTags(body)) return keptInClear(checkUserData({ ...file, text: body }, schemas));
  const warning = unchecked(
    file,
    'what this Jinja template fills in is known on the device only, and not checked here',
  );
  if (hasStatements(body)) return warning;
  const { problems } = checkUserData({ ...file, text: withPlaceholders(body) }, schemas);
  const certain = problems.filter(({ code, message }) => CERTAIN.includes(code) && !message.includes('jinja'));
  return mergeFindings(warning, { problems: certain, warnings: [] });
}

/** What is wrong whatever a value turns out to be. */
const CERTAIN = ['unknown-key', 'key-belongs-elsewhere', 'seed-no-header', 'seed-marker-first'];
