/** What docs/aws-behaviour.md says of AWS has a source, a test that imitates it, and an honest word on who has seen it. */
import { expect, test } from '@jest/globals';
import { projectFile } from '../../bundle.ts';
import { missingProofs } from './proofs.ts';

const header = '| AWS | So the service | Source | Imitated by | Seen on AWS |';
const rows = projectFile('docs/aws-behaviour.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && line !== header && line.split(' | ').length === 5);

test('there are rows for each service that the code calls', () => {
  expect(rows.length).toBeGreaterThan(25);
  for (const service of ['iam', 's3', 'lambda', 'states', 'events', 'dynamodb', 'secretsmanager']) {
    const page = { iam: 'IAM/', s3: 'AmazonS3/', states: 'step-functions/', events: 'eventbridge/' };
    const path = Object.entries(page).find(([name]) => name === service)?.[1] ?? `${service}/`;
    expect([service, rows.some((row) => row.includes(path))]).toEqual([service, true]);
  }
});

test.each(rows)('%s', (row) => {
  const [, , , source = '', proof = '', seen = ''] = row.split('|').map((cell) => cell.trim());
  expect(source).toMatch(/\]\(https:\/\/docs\.aws\.amazon\.com\/[^)]+\)/);
  expect(proof).toMatch(/^`test\//);
  expect(missingProofs(proof)).toEqual([]);
  // A date, where somebody has.
  expect(seen).toMatch(/^(never|\d{4}-\d{2}-\d{2})$/);
});
