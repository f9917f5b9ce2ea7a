import * as z from 'zod';
import type { YamlSource } from '../../config/yaml-source.js';
import { problemsFromZod } from '../../config/zod-problems.js';
import { asMapping } from '../yaml/cloud-init-yaml.js';
import { NOTHING_FOUND, type Findings } from '../text/findings.js';

const flag = z.boolean();

/** cc_raspberry_pi of cloud-init 25.2; its own schema lets any key below `rpi` pass, and the device then ignores it. */
const rpi = z.strictObject({
  rpi: z.strictObject({
    enable_usb_gadget: flag.optional(),
    interfaces: z
      .strictObject({
        spi: flag.optional(),
        i2c: flag.optional(),
        onewire: flag.optional(),
        serial: z.union([flag, z.strictObject({ console: flag.optional(), hardware: flag.optional() })]).optional(),
        ssh: flag.optional(),
      })
      .optional(),
  }),
});

/** Codes: those of problemsFromZod; warning `rpi-not-here`. */
export function raspberryPi(source: YamlSource): Findings {
  const config = asMapping(source.value);
  if (config === undefined || !('rpi' in config)) return NOTHING_FOUND;
  const result = rpi.safeParse({ rpi: config['rpi'] });
  const problems = result.success ? [] : problemsFromZod(result.error, source, source.file, { schema: rpi });
  return {
    problems,
    warnings: [
      {
        code: 'rpi-not-here',
        message: '"rpi" is for Raspberry Pi OS; the cloud-init of this image does not know it',
        hint: 'Use config.txt: --config-txt dtparam=i2c_arm=on, dtparam=spi=on, dtoverlay=dwc2.',
        file: source.file,
        ...source.locate(['rpi'], 'key'),
      },
    ],
  };
}
