import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

const systemModules = ['execa', 'node-fetch', 'node:child_process', 'child_process'];
const viewModules = ['listr2', '@oclif/core'];

/** Who may use what of the machine; which room may import which other one: .dependency-cruiser.cjs. */
function restrict(rooms, paths) {
  return {
    files: ['src/**/*.ts'],
    ignores: rooms.map((room) => `src/${room}/**`),
    rules: paths,
  };
}

const banned = (names, message) => names.map((name) => ({ name, message }));

const NO_SYSTEM = banned(systemModules, 'Only src/host runs programs and speaks HTTP.');
const NO_VIEWS = banned(viewModules, 'Views are src/commands (oclif) and src/ui (listr2).');

const doors = [
  restrict(['commands', 'hooks', 'ui', 'host'], {
    'no-restricted-imports': ['error', { paths: [...NO_SYSTEM, ...NO_VIEWS] }],
  }),
  {
    files: ['src/ui/**/*.ts', 'src/commands/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: NO_SYSTEM }] },
  },
  { files: ['src/host/**/*.ts'], rules: { 'no-restricted-imports': ['error', { paths: NO_VIEWS }] } },
  restrict(['commands', 'hooks'], {
    'no-restricted-properties': [
      'error',
      ...['env', 'cwd', 'exit', 'chdir', 'argv'].map((property) => ({
        object: 'process',
        property,
        message: 'Read in src/commands and passed down in Host.',
      })),
    ],
  }),
];

export default tseslint.config(
  { ignores: ['workloads/', 'dist/', 'node_modules/', 'coverage/'] },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      eqeqeq: 'error',
    },
  },
  ...doors,
  { files: ['**/*.js', '**/*.cjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['bin/*.js', '*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { process: 'readonly', require: 'readonly', module: 'readonly', __dirname: 'readonly' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
