/** Writes what the service costs into its pages. `npm run costs` counts a run before. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { costPages } from './cost-pages.ts';

for (const [path, page] of Object.entries(costPages())) writeFileSync(join(projectRoot, path), page);
