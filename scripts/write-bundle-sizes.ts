/** `npm run sizes`: bundles all functions and writes the table of their sizes into docs/performance.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { withBundleSizes } from './bundle-sizes.ts';
import { allBundles } from './bundles.ts';

const page = join(projectRoot, 'docs', 'performance.md');
writeFileSync(page, withBundleSizes(readFileSync(page, 'utf8'), await allBundles()));
