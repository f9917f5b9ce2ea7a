import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Layers, lowest first. A file may import from its own layer and the ones its row names; see docs/architecture.md. */
const layers = {
  domain: ['host', 'pipeline', 'config', 'stages', 'services', 'ui', 'commands'],
  host: ['pipeline', 'config', 'stages', 'services', 'ui', 'commands'],
  pipeline: ['config', 'stages', 'services', 'ui', 'commands'],
  config: ['pipeline', 'stages', 'services', 'ui', 'commands'],
  stages: ['services', 'ui', 'commands'],
  services: ['ui', 'commands'],
  ui: ['stages', 'commands'],
};

const systemModules = ['execa', 'node-fetch', 'node:child_process', 'child_process'];
const viewModules = ['listr2', '@oclif/core'];

function restrictImports(layer, upper) {
  const paths = [
    ...(layer === 'host'
      ? []
      : systemModules.map((name) => ({ name, message: 'Only src/host runs programs and speaks HTTP.' }))),
    ...(layer === 'ui'
      ? []
      : viewModules.map((name) => ({ name, message: 'Views are src/commands (oclif) and src/ui (listr2).' }))),
  ];
  const patterns = upper.map((name) => ({ group: [`**/${name}/**`], message: `src/${layer} lies below src/${name}.` }));
  return {
    files: [`src/${layer}/**/*.ts`],
    rules: {
      'no-restricted-imports': ['error', { paths, patterns }],
      'no-restricted-properties': [
        'error',
        ...['env', 'cwd', 'exit', 'chdir', 'argv'].map((property) => ({
          object: 'process',
          property,
          message: 'Read in src/commands and passed down in Host.',
        })),
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/'] },
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
  ...Object.entries(layers).map(([layer, upper]) => restrictImports(layer, upper)),
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['bin/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { process: 'readonly', require: 'readonly', __dirname: 'readonly' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
