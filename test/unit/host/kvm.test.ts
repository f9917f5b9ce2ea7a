import { expect, it } from 'vitest';
import { virtualises } from '../../../src/host/kvm.js';

it.each([
  ['Intel', 'flags\t\t: fpu vme vmx smx', true],
  ['AMD', 'processor : 0\nflags\t\t: fpu svm lahf_lm', true],
  ['a virtual machine without', 'flags\t\t: fpu vme hypervisor\nbugs : svm_hidden vmx', false],
])('knows whether the processor of %s can run guests', (_, cpuinfo, can) => {
  expect(virtualises(cpuinfo)).toBe(can);
});
