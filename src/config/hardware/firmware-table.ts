import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import * as z from 'zod';

const schema = z.array(
  z.strictObject({
    models: z.array(z.string()).min(1),
    firmware: z.array(z.string()),
    boardType: z.number().int(),
    filters: z.array(z.string()).min(1),
    deviceTree: z.array(z.string().endsWith('.dtb')).min(1),
    otherwise: z.array(z.string().endsWith('.dtb')).optional(),
    kernel: z.string(),
    memoryMiB: z.number().int(),
    networkBoot: z.enum(['ready', 'otp', 'eeprom', 'none']),
    needs: z.array(z.string()).optional(),
  }),
);

/** What one model's firmware does between power-on and the kernel; the keys are told in the file itself. */
export type ModelFirmware = Omit<z.infer<typeof schema>[number], 'models'> & { readonly model: string };

/** boards/hardware/firmware.yaml: one row a model, as its maker documents it. */
export async function firmwareTable(projectDir: string): Promise<readonly ModelFirmware[]> {
  return schema
    .parse(load(await readFile(join(projectDir, 'boards/hardware/firmware.yaml'), 'utf8')))
    .flatMap(({ models, ...row }) => models.map((model) => ({ ...row, model })));
}
