/** `npm run openapi`: writes the OpenAPI document of the API. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { openApiDocument } from './openapi-document.ts';

writeFileSync(
  join(projectRoot, 'docs', 'openapi.json'),
  `${JSON.stringify(openApiDocument(), undefined, 2)}\n`,
);
