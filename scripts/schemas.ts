/** `npm run schemas`: writes the JSON Schemas of the events, from the schemas that the code checks with. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { eventSchemaFiles } from './event-schemas.ts';

for (const [name, schema] of eventSchemaFiles()) {
  writeFileSync(join(projectRoot, 'events', name), `${JSON.stringify(schema, undefined, 2)}\n`);
}
