import { format } from 'node:util';
import { afterEach, beforeEach, vi } from 'vitest';

/** What a command run inside a test prints, emptied before each test; `process.exitCode` is put back after it. */
export function captureOutput(): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  beforeEach(() => {
    output.stdout = '';
    output.stderr = '';
    // oclif prints through the console, which vitest does not pass on to process.stdout.
    vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => {
      output.stdout += `${format(...words)}\n`;
    });
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      output.stderr += chunk.toString();
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });
  return output;
}
