import type { Problem } from '../errors.js';
import { asMapping, readSeedYaml } from './yaml/cloud-init-yaml.js';
import type { CloudInitSchemas } from './schemas/cloud-init-schemas.js';
import { mergeFindings, NOTHING_FOUND, type Findings } from './text/findings.js';
import { loginWarnings } from './login/login-warnings.js';
import { checkMetaData } from './compose/meta-data.js';
import { checkNetworkConfig } from './network/network-config.js';
import type { SeedFile, SeedFiles } from './text/seed.js';
import { checkUserData } from './user-data/user-data.js';
import { userDataKind } from './text/user-data-header.js';

/**
 * Everything that is wrong with a seed, file by file, and between its files. Without `schemas` all is checked that
 * needs no schema of cloud-init: enough to fail early, before that package is at hand.
 *
 * @param vendorData what lies beside them as `vendor-data`; only what it does to logins is looked at
 */
export function checkSeed(files: SeedFiles, schemas?: CloudInitSchemas, vendorData?: SeedFile): Findings {
  const each = mergeFindings(
    checkUserData(files.userData, schemas),
    checkMetaData(files.metaData),
    files.networkConfig === undefined ? NOTHING_FOUND : checkNetworkConfig(files.networkConfig, schemas),
  );
  const ignored = each.warnings.filter(({ code }) => code === 'seed-ignored');
  if (ignored.length > 0) {
    return mergeFindings({
      problems: [...each.problems, ...ignored],
      warnings: each.warnings.filter((warning) => !ignored.includes(warning)),
    });
  }
  // Broken files would only make these speak nonsense.
  return each.problems.length > 0
    ? each
    : mergeFindings(each, {
        problems: [],
        warnings: [...twoNames(files), ...loginWarnings(files.userData, files.metaData, vendorData)],
      });
}

function twoNames({ userData, metaData }: SeedFiles): Problem[] {
  if (userDataKind(userData) !== 'cloud-config') return [];
  const source = readSeedYaml(userData);
  const name = asMapping(source.value)?.['hostname'];
  const other = asMapping(readSeedYaml(metaData).value)?.['local-hostname'];
  if (typeof name !== 'string' || typeof other !== 'string' || name === other) return [];
  const message = `the device will be called "${name}": "hostname" wins over local-hostname "${other}" in ${metaData.file}`;
  return [{ code: 'seed-two-hostnames', message, file: userData.file, ...source.locate(['hostname']) }];
}
