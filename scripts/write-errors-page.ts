/** `npm run errors-page`: writes docs/errors.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { errorsPage } from './errors-page.ts';

writeFileSync(join(projectRoot, 'docs', 'errors.md'), errorsPage());
