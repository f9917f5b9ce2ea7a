import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { UserError } from '../../errors.js';
import type { Json } from '../../model/json.js';
import { canonicalJson } from '../../model/json.js';
import { sha256 } from '../../model/sha256.js';
import { debPurl } from '../sbom/debian-components.js';
import type { Vulnerability } from './tracker.js';

const product = z.union([z.string(), z.looseObject({ '@id': z.string().optional() })]);

const statement = z.looseObject({
  vulnerability: z.union([
    z.string(),
    z.looseObject({
      name: z.string().optional(),
      '@id': z.string().optional(),
      aliases: z.array(z.string()).optional(),
    }),
  ]),
  products: z
    .array(
      z.union([
        z.string(),
        z.looseObject({ '@id': z.string().optional(), subcomponents: z.array(product).optional() }),
      ]),
    )
    .optional(),
  status: z.enum(['not_affected', 'affected', 'fixed', 'under_investigation']),
  justification: z.string().optional(),
  impact_statement: z.string().optional(),
});

const vexSchema = z.looseObject({
  '@context': z.string().startsWith('https://openvex.dev/ns'),
  statements: z.array(statement),
});

export type VexStatement = z.output<typeof statement>;

/** Throws UserError `vex-unreadable` or `vex-invalid`. */
export async function readVex(path: string): Promise<readonly VexStatement[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UserError('vex-unreadable', `The VEX document ${path} cannot be read`, { cause });
  });
  try {
    return vexSchema.parse(JSON.parse(text)).statements;
  } catch (cause) {
    const details =
      cause instanceof z.ZodError
        ? cause.issues.slice(0, 3).map(({ path: keys, message }) => `${keys.map(String).join('.')}: ${message}`)
        : [(cause as Error).message];
    throw new UserError('vex-invalid', `${path} is not an OpenVEX document`, {
      details,
      hints: ['`reswarm-os cve IMAGE --tracker FILE --vex-output FILE` writes one to begin with.'],
      cause,
    });
  }
}

/** The last statement about the vulnerability in this package, if it says that nothing needs to be done. */
export function silencedBy(found: Vulnerability, statements: readonly VexStatement[]): VexStatement | undefined {
  const last = statements.filter((one) => isAbout(one, found)).at(-1);
  return last?.status === 'not_affected' || last?.status === 'fixed' ? last : undefined;
}

function isAbout({ vulnerability, products }: VexStatement, { id, source, version }: Vulnerability): boolean {
  const names =
    typeof vulnerability === 'string'
      ? [vulnerability]
      : [vulnerability.name, vulnerability['@id']?.split('/').at(-1), ...(vulnerability.aliases ?? [])];
  if (!names.includes(id)) return false;
  if (products === undefined || products.length === 0) return true;
  const ids = products.flatMap((one) => {
    if (typeof one === 'string') return [one];
    const parts = (one.subcomponents ?? []).map((part) => (typeof part === 'string' ? part : part['@id']));
    return parts.length > 0 ? parts : [one['@id']];
  });
  const exact = debPurl(source, version, 'source').split('?')[0] ?? '';
  const any = exact.slice(0, exact.lastIndexOf('@'));
  // A product that is no package is the image.
  return ids.some(
    (one) => one === undefined || !one.startsWith('pkg:deb/') || [exact, any].includes(one.split('?')[0] ?? ''),
  );
}

/** What was found, for others to complete: every open one is `affected`, and what the given statements say is kept. */
export function vexDocument(
  found: readonly Vulnerability[],
  given: readonly VexStatement[],
  { author, timestamp }: { readonly author: string; readonly timestamp: string },
): Json {
  const statements = found.map((one) => {
    const products = [{ '@id': debPurl(one.source, one.version, 'source') }];
    const silent = silencedBy(one, given);
    const vulnerability = { name: one.id };
    if (silent !== undefined) {
      const { status, justification, impact_statement } = silent;
      return {
        vulnerability,
        products,
        status,
        ...(justification === undefined ? {} : { justification }),
        ...(impact_statement === undefined ? {} : { impact_statement }),
      };
    }
    if (one.state === 'undetermined') return { vulnerability, products, status: 'under_investigation' };
    const action_statement =
      one.fixedVersion === undefined
        ? 'Debian has no fix in this release yet.'
        : `Update ${one.source} to ${one.fixedVersion}.`;
    return { vulnerability, products, status: 'affected', action_statement };
  });
  const id = sha256(canonicalJson(statements));
  return {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': `https://openvex.dev/docs/reswarm-os/vex-${id}`,
    author,
    timestamp,
    version: 1,
    statements,
  };
}
