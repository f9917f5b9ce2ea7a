import { expect, it } from 'vitest';
import { blamePackages } from '../../../../src/build/workload/blame-packages.js';
import { UserError } from '../../../../src/errors.js';
import type { Workload } from '../../../../src/model/workload.js';

const at = { file: 'web.yaml', line: 3, column: 11 };
const workload = { packages: ['nodejs=20', 'helllo'], at: { packages: at } } as unknown as Workload;

async function blamed(error: Error): Promise<unknown> {
  return blamePackages(workload, 'arm64', () => Promise.reject(error)).catch((thrown: unknown) => thrown);
}

it('says where an unknown package is asked for, and for which architecture', async () => {
  const error = new UserError('unknown-package', 'Debian has no package "helllo"', {
    hints: ['Did you mean "hello"?'],
  });
  expect(await blamed(error)).toMatchObject({
    code: 'unknown-package',
    problems: [{ message: 'Debian has no package "helllo" for arm64', hint: 'Did you mean "hello"?', ...at }],
  });
});

it('leaves other failures alone', async () => {
  const other = new UserError('packages-conflict', 'These packages cannot be installed together');
  expect(await blamed(other)).toBe(other);
  const ofKernel = await blamed(new UserError('unknown-package', 'Debian has no package "linux-source"'));
  expect((ofKernel as UserError).problems[0]).not.toHaveProperty('file');
});
