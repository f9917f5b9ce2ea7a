import { describe, expect, it } from 'vitest';
import { entriesOf, explainLoss, parseKconfig } from '../../../../src/sources/kernel/kconfig.js';

const KCONFIG = `
menu "Network"
	depends on NET

if NET_VENDOR_BROADCOM

config BCMGENET
	tristate "Broadcom GENET"
	depends on HAS_IOMEM
	depends on PTP_1588_CLOCK_OPTIONAL && \\
		(ARCH_BCM2835 || COMPILE_TEST)
	select PHYLIB
	help
	  Drives it.

	  config NOT_AN_OPTION
	  depends on NOTHING

config BROADCOM_INTERNAL
	tristate

endif
endmenu

config AFTER
	bool "After"
`;
const { entries } = parseKconfig(KCONFIG, 'drivers/net/Kconfig');
const of = (name: string) => entries.filter((entry) => entry.name === name);

describe('parseKconfig', () => {
  it('knows the conditions of an option and of the blocks around it', () => {
    expect(of('BCMGENET')).toEqual([
      {
        name: 'BCMGENET',
        file: 'drivers/net/Kconfig',
        hasPrompt: true,
        conditions: [
          'NET',
          'NET_VENDOR_BROADCOM',
          'HAS_IOMEM',
          expect.stringMatching(/^PTP_1588_CLOCK_OPTIONAL && +\(ARCH_BCM2835 \|\| COMPILE_TEST\)$/),
        ],
      },
    ]);
    expect(of('AFTER')[0]?.conditions).toEqual([]);
  });

  it('reads no help text as options', () => {
    expect(entries.map(({ name }) => name)).toEqual(['BCMGENET', 'BROADCOM_INTERNAL', 'AFTER']);
  });
});

describe('entriesOf', () => {
  const files = new Map(
    Object.entries({
      Kconfig: 'source "drivers/net/can/Kconfig"',
      'drivers/net/can/Kconfig':
        'config CAN_DEV\n\tdepends on CAN\nif CAN_DEV\nsource "drivers/net/can/spi/Kconfig"\nendif\n',
      'drivers/net/can/spi/Kconfig':
        'menu "SPI"\n\tdepends on SPI\nconfig CAN_MCP251X\n\ttristate "Microchip"\nendmenu\n',
      'loop/Kconfig': 'config LOOP\n\tbool "Loop"\nif A\nsource "loop/Kconfig"\nendif\n',
    }).map(([file, text]) => [file, parseKconfig(text, file)]),
  );

  it('adds the conditions of the files that include the file', () => {
    expect(entriesOf('CAN_MCP251X', files)).toEqual([
      { name: 'CAN_MCP251X', file: 'drivers/net/can/spi/Kconfig', hasPrompt: true, conditions: ['CAN_DEV', 'SPI'] },
    ]);
    expect(entriesOf('CAN_DEV', files)[0]?.conditions).toEqual(['CAN']);
  });

  it('ends for a file that includes itself', () => {
    expect(entriesOf('LOOP', files)).toHaveLength(1);
  });
});

describe('explainLoss', () => {
  const explain = (name: string, on: Readonly<Record<string, string>>) =>
    explainLoss(name, of(name), (option) => on[option] ?? 'n');

  it('names what is missing, with its value', () => {
    const on = { NET: 'y', NET_VENDOR_BROADCOM: 'y', HAS_IOMEM: 'y', PTP_1588_CLOCK_OPTIONAL: 'y' };
    expect(explain('BCMGENET', on)).toContain('PTP_1588_CLOCK_OPTIONAL=y, ARCH_BCM2835=n, COMPILE_TEST=n');
    expect(explain('BCMGENET', { ...on, NET: 'n', ARCH_BCM2835: 'y' })).toContain('NET (NET=n)');
  });

  it.each([
    ['GONE', {}, 'This kernel has no option GONE.'],
    ['BROADCOM_INTERNAL', { NET: 'y', NET_VENDOR_BROADCOM: 'y' }, 'no prompt'],
    ['AFTER', {}, 'another value'],
  ])('says of %s why', (name, on, words) => {
    expect(explain(name, on)).toContain(words);
  });

  it.each([
    ['!PREEMPT_RT', { PREEMPT_RT: 'y' }, 'PREEMPT_RT=y'],
    ['EXTCON || EXTCON=n', {}, 'another value'],
    ['A=y && (B || !C)', { A: 'm', B: 'y' }, 'A=m'],
    ['$(cc-option,-mabi=lp64)', {}, 'another value'],
  ])('reads the expression %s', (condition, on, words) => {
    const [entry] = parseKconfig(`config X\n\tbool "X"\n\tdepends on ${condition}\n`, 'Kconfig').entries;
    const values: Readonly<Record<string, string>> = on;
    expect(explainLoss('X', entry === undefined ? [] : [entry], (name) => values[name] ?? 'n')).toContain(words);
  });
});
