/** `npm run sbom`: writes the bill of materials (CycloneDX) of what is deployed to reports/sbom.cdx.json. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { billOfDeployed, parseLock } from './deployed-components.ts';

const all = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx'], {
  cwd: projectRoot,
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
const lock = parseLock(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8'));
const bill = billOfDeployed(JSON.parse(all), lock);
const file = join(projectRoot, 'reports', 'sbom.cdx.json');
mkdirSync(join(projectRoot, 'reports'), { recursive: true });
writeFileSync(file, `${JSON.stringify(bill, undefined, 2)}\n`);
process.stdout.write(
  `${bill.components.length} packages are deployed: reports/sbom.cdx.json (CycloneDX ${bill.specVersion})\n`,
);
