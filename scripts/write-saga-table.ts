/** `npm run saga`: writes the table of steps and their undo into README.md, and draws docs/workflow.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { withSagaTable } from './saga-table.ts';
import { workflowPage } from './workflow-page.ts';

const readme = join(projectRoot, 'README.md');
writeFileSync(readme, withSagaTable(readFileSync(readme, 'utf8')));
for (const [name, text] of Object.entries(workflowPage()))
  writeFileSync(join(projectRoot, 'docs', name), text);
