/**
 * The rooms of src, from the top: a file imports from its own room and from rooms of lower levels only. Rooms of one
 * level do not know each other. What belongs in each: docs/architecture.md.
 */
const LEVELS = [
  ['commands', 'hooks'],
  ['ui'],
  ['build', 'fleet'],
  ['write', 'maintenance'],
  ['provision', 'check', 'inspect', 'updates'],
  ['outputs'],
  ['sources', 'filesystems', 'boot', 'disk'],
  ['images', 'drives', 'seeds'],
  ['tools'],
  ['config', 'pipeline'],
  ['formats'],
  ['host'],
  ['model'],
];

/** What makes images. */
const BUILDERS = '^src/(build|sources|filesystems|boot|disk|outputs)/';

const folders = (rooms) => `^src/(${rooms.join('|')})/`;

const houseRules = LEVELS.flatMap((rooms, level) => {
  const above = LEVELS.slice(0, level).flat();
  return rooms.map((room) => ({
    name: `imports-of-${room}`,
    severity: 'error',
    comment: 'Imports go downwards only, and rooms of one level do not know each other (docs/architecture.md).',
    from: { path: `^src/${room}/` },
    to: { path: folders([...above, ...rooms.filter((other) => other !== room)]) },
  }));
});

module.exports = {
  forbidden: [
    ...houseRules,
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-circles-of-folders', severity: 'error', scope: 'folder', from: {}, to: { circular: true } },
    {
      name: 'model-knows-types-only',
      severity: 'error',
      comment: 'The model is values; only errors.ts lies below it.',
      from: { path: '^src/model/' },
      to: { path: '^src/', pathNot: '^src/(model/|errors\\.ts$)' },
    },
    {
      name: 'nothing-that-builds',
      severity: 'error',
      comment: 'What writes, provisions and looks into images loads no stage of a build, except for the tools tree.',
      from: {
        path: '^src/commands/(flash|inject|reseed|devices|inspect|seed/check|fleet/[a-z]+)\\.ts$',
      },
      to: { path: BUILDERS, reachable: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
};
