/** What docs/deployment.md says of costs comes from the resources, and from prices with a date. */
import { expect, test } from '@jest/globals';
import { prices, restSentences } from '../../../scripts/costs.ts';
import { projectFile } from '../../bundle.ts';

const resources = projectFile('resources/bus.yml');
const serverless = projectFile('serverless.yml');
const page = projectFile('docs/deployment.md').replaceAll('\n', ' ');

const countOf = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

test('the costs at rest are those of the resources', () => {
  const schedules = [...serverless.matchAll(/schedule: rate\((\d+) (minute|hour)s?\)/g)].map(
    ([, count, unit]) => Number(count) * (unit === 'hour' ? 60 : 1),
  );
  expect(schedules.length).toBe(3);
  const sentences = restSentences({
    alarms: countOf(resources, /Type: AWS::CloudWatch::Alarm/g),
    metrics: 1,
    polledQueues: countOf(serverless, /- sqs: /g),
    schedules,
    memoryMegabytes: Number(/memorySize: (\d+)/.exec(serverless)?.[1]),
  });
  expect(page).toContain(sentences);
  expect(page).toContain(`prices in eu-west-1 of ${prices.date}`);
});
