/** `npm run iam-statements`: packages the service and writes docs/iam-statements.md. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';
import { iamStatements } from './iam-statements.ts';

const stage = 'doc';
const folder = mkdtempSync(join(tmpdir(), 'iam-statements-'));
try {
  execFileSync('serverless', ['package', '--stage', stage, '--package', folder], {
    cwd: projectRoot,
    stdio: 'inherit',
  });
  const text = readFileSync(join(folder, 'cloudformation-template-update-stack.json'), 'utf8');
  writeFileSync(join(projectRoot, 'docs', 'iam-statements.md'), iamStatements(JSON.parse(text), stage));
} finally {
  rmSync(folder, { recursive: true });
}
