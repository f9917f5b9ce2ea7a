import { describe, expect, it } from 'vitest';
import { unknownCommand, unknownFlags, wrongUsage } from '../../../src/ui/usage-errors.js';

const IDS = ['build', 'flash', 'inject', 'seed:check', 'fleet:check', 'fleet:status', 'boards:list', 'kernel:check'];

describe('unknownCommand', () => {
  it.each([
    ['flsh:x', 'There is no command "flsh"', 'Did you mean "flash"?'],
    ['seed:chek', 'There is no command "seed chek"', 'Did you mean "check"?'],
    ['fleet:report', 'There is no command "fleet report"', 'Known here: check, status.'],
    ['board:list', 'There is no command "board"', 'Did you mean "boards"?'],
    ['build:rpi4', 'There is no command "build rpi4"', 'All commands: reswarm-os build --help'],
  ])('says of %s what was probably meant', (typed, message, hint) => {
    const error = unknownCommand(typed, IDS, 'reswarm-os');
    expect(error).toMatchObject({ code: 'unknown-command', exitCode: 2, message });
    expect(error.hints).toContain(hint);
  });
});

describe('unknownFlags', () => {
  it('names each with the flag that it is near to', () => {
    const error = unknownFlags(['--borad', '--compres', '-z'], ['board', 'compress', 'json'], 'reswarm-os build');
    expect(error.message).toBe('--borad, --compres, -z are no flags of reswarm-os build');
    expect(error.hints).toEqual([
      'Did you mean "--board"?',
      'Did you mean "--compress"?',
      'All flags: reswarm-os build --help',
    ]);
  });
});

it.each([
  [
    'The following error occurred:\n  \u001B[2mMissing required flag board\u001B[22m\nSee more help with --help',
    'Missing required flag board',
  ],
  [
    'Missing 1 required arg:\nimage  image file\nNote: --forward allows multiple values.',
    'Missing 1 required arg: image image file',
  ],
])('what oclif says is one line of ours', (said, message) => {
  expect(wrongUsage(said, 'reswarm-os build')).toMatchObject({ code: 'usage-invalid', exitCode: 2, message });
});
