import { describe, expect, it } from 'vitest';
import { isUnitName, parseUnit, unitFaults, unitPrograms } from '../../../src/formats/unit-file.js';

const GOOD = `# an agent
[Unit]
Description=Agent

[Service]
ExecStart=/usr/local/bin/agent \\
  --verbose
; a remark
[Install]
WantedBy=multi-user.target
`;

describe('a unit', () => {
  it.each(['agent.service', 'agent@.service', 'agent@one.timer', 'a-b.c:d.socket'])('may be called %s', (name) => {
    expect(isUnitName(name)).toBe(true);
  });

  it.each(['agent', 'agent.conf', 'a b.service', '../a.service', '.service', `${'a'.repeat(260)}.service`])(
    'may not be called %s',
    (name) => {
      expect(isUnitName(name)).toBe(false);
    },
  );

  it('is read with comments left out and lines joined', () => {
    const { settings, faults } = parseUnit(GOOD);
    expect(faults).toEqual([]);
    expect(settings.find(({ key }) => key === 'ExecStart')).toEqual({
      section: 'Service',
      key: 'ExecStart',
      value: expect.stringMatching(/^\/usr\/local\/bin\/agent\s+--verbose$/) as string,
      line: 6,
    });
  });

  it.each([
    ['no section', 'ExecStart=/bin/true\n', 1],
    ['a line that is no setting', '[Service]\nExecStart=/bin/true\nsome words\n', 3],
    ['no ExecStart', '[Service]\nType=simple\n[Install]\nWantedBy=a.target\n', 1],
    ['an empty ExecStart', '[Service]\nExecStart=\n[Install]\nWantedBy=a.target\n', 1],
    ['no [Install]', '[Service]\nExecStart=/bin/true\n', 1],
  ])('is refused with %s', (_, text, line) => {
    expect(unitFaults('agent.service', text, true)).toMatchObject([{ line }]);
  });

  it('needs no [Install] where another unit starts it, and no ExecStart where it is no service', () => {
    expect(unitFaults('agent.service', '[Service]\nExecStart=/bin/true\n', false)).toEqual([]);
    expect(unitFaults('agent.timer', '[Timer]\nOnBootSec=1\n[Install]\nWantedBy=timers.target\n', true)).toEqual([]);
    expect(unitFaults('agent.service', GOOD, true)).toEqual([]);
  });

  it('starts programs, those left out that may be missing or are found in another way', () => {
    const text = `[Service]
ExecStartPre=-/opt/maybe
ExecStartPre=!/usr/local/bin/prepare now
ExecStart=@/usr/local/bin/agent agent
ExecStartPost=%h/bin/x
ExecStop=/opt/stop
`;
    expect(unitPrograms(text)).toEqual([
      { program: '/usr/local/bin/prepare', line: 3 },
      { program: '/usr/local/bin/agent', line: 4 },
    ]);
  });
});
