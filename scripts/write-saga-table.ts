/** `npm run saga`: writes the table of steps and their undo into README.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { withSagaTable } from './saga-table.ts';

const readme = join(projectRoot, 'README.md');
writeFileSync(readme, withSagaTable(readFileSync(readme, 'utf8')));
