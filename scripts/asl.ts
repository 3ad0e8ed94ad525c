/** `npm run asl`: writes the state machines as they are deployed, as files that Workflow Studio opens. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { aslFiles } from './asl-files.ts';

const folder = 'asl';
mkdirSync(join(projectRoot, folder), { recursive: true });
for (const { name, text } of aslFiles()) {
  writeFileSync(join(projectRoot, folder, name), text);
  process.stdout.write(`${folder}/${name}\n`);
}
process.stdout.write(
  'Open these files in Workflow Studio: in VS Code with the AWS Toolkit, or in the Step Functions console with Import definition.\n' +
    'To change a state machine, edit statemachines/ and run this again.\n',
);
