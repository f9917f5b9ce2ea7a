import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { UserError } from '../../errors.js';
import { compareDebianVersions } from '../../formats/debian-version.js';

const release = z.looseObject({
  status: z.enum(['open', 'resolved', 'undetermined']),
  fixed_version: z.string().optional(),
  urgency: z.string().optional(),
  nodsa: z.string().optional(),
  nodsa_reason: z.string().optional(),
});

const entry = z.looseObject({
  description: z.string().optional(),
  scope: z.string().optional(),
  releases: z.record(z.string(), release).default({}),
});

const trackerSchema = z.record(z.string(), z.record(z.string(), entry));

/** The data of Debian's security tracker: source package → vulnerability → what is known. */
export type Tracker = z.output<typeof trackerSchema>;

/**
 * `open`: no version has a fix. `fixable`: a newer version of the release has it. `undetermined`: Debian does not know
 * yet. `ignored`: Debian decided not to fix it in the release. `unimportant`: no danger in what Debian ships.
 */
export type VulnerabilityState = 'open' | 'fixable' | 'undetermined' | 'ignored' | 'unimportant';

/** A source package of an image, and what Debian knows of it. */
export type Vulnerability = {
  readonly id: string;
  readonly source: string;
  readonly version: string;
  readonly state: VulnerabilityState;
  readonly urgency: string;
  readonly fixedVersion?: string;
  readonly description: string;
  /** What Debian says of why there is no update. */
  readonly note?: string;
};

/** Throws UserError `tracker-unreadable` or `tracker-invalid`. */
export async function readTracker(path: string): Promise<Tracker> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UserError('tracker-unreadable', `The tracker's data ${path} cannot be read`, {
      hints: ['It is the file that https://security-tracker.debian.org/tracker/data/json serves.'],
      cause,
    });
  });
  try {
    return trackerSchema.parse(JSON.parse(text));
  } catch (cause) {
    const details =
      cause instanceof z.ZodError
        ? cause.issues.slice(0, 3).map(({ path: keys, message }) => `${keys.map(String).join('.')}: ${message}`)
        : [(cause as Error).message];
    throw new UserError('tracker-invalid', `${path} is not the data of Debian's security tracker`, {
      details,
      hints: ['It is the file that https://security-tracker.debian.org/tracker/data/json serves.'],
      cause,
    });
  }
}

/** Every vulnerability that touches these source packages in the release; those that their versions have fixed are left out. */
export function findVulnerabilities(
  sources: readonly { readonly name: string; readonly version: string }[],
  tracker: Tracker,
  codename: string,
): readonly Vulnerability[] {
  return sources
    .flatMap(({ name, version }) =>
      Object.entries(tracker[name] ?? {}).flatMap(([id, { description = '', releases }]): Vulnerability[] => {
        const known = releases[codename];
        const state = known && stateOf(known, version);
        if (known === undefined || state === undefined) return [];
        const fixed = known.status === 'resolved' ? known.fixed_version : undefined;
        return [
          {
            id,
            source: name,
            version,
            state,
            urgency: known.urgency ?? 'not yet assigned',
            ...(fixed === undefined ? {} : { fixedVersion: fixed }),
            description,
            ...(known.nodsa === undefined || known.nodsa === '' ? {} : { note: known.nodsa }),
          },
        ];
      }),
    )
    .toSorted((a, b) => (`${a.source} ${a.id}` < `${b.source} ${b.id}` ? -1 : 1));
}

function stateOf(known: z.output<typeof release>, version: string): VulnerabilityState | undefined {
  const { status, fixed_version: fixed, urgency, nodsa_reason: reason } = known;
  if (status === 'resolved') {
    // "0": the release never had it.
    return fixed === undefined || fixed === '0' || compareDebianVersions(version, fixed) >= 0 ? undefined : 'fixable';
  }
  if (urgency === 'unimportant') return 'unimportant';
  if (status === 'undetermined') return 'undetermined';
  return reason === 'ignored' ? 'ignored' : 'open';
}
