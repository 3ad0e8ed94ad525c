/** Pages that say what the service costs: from its resources, and from a run that `npm run costs` has counted. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { projectRoot } from '../local/environment/paths.ts';
import { wrapped } from '../local/observe/wrapped.ts';
import { stateMachines } from '../statemachines/machines.ts';
import { costOf, costTable, mostEvents, prices, restSentences, sumOf, type Usage } from './costs.ts';

const usageSchema = z.object({
  transitions: z.number(),
  executions: z.number(),
  historyEvents: z.number(),
  invocations: z.number(),
  milliseconds: z.number(),
  initMilliseconds: z.number(),
  writes: z.number(),
  reads: z.number(),
  keyUses: z.number(),
  secretReads: z.number(),
  bucketRequests: z.number(),
  events: z.number(),
  queueRequests: z.number(),
  apiRequests: z.number(),
}) satisfies z.ZodType<Usage>;

/** Events of a provisioning in which each retry of each step is used up. */
export const worstCase = (): number =>
  mostEvents(stateMachines({ iamUserTimeoutSeconds: 3_600 }).provision.Definition.States);

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const countOf = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

/** What was counted last. */
export const countedRuns = () =>
  z.object({ provisioning: usageSchema, removal: usageSchema }).parse(JSON.parse(read('scripts/usage.json')));

/** What stands in the stack, as far as it costs something while nothing happens. */
export function resourcesAtRest() {
  const serverless = read('serverless.yml');
  return {
    alarms: countOf(read('resources/bus.yml'), /Type: AWS::CloudWatch::Alarm/g),
    polledQueues: countOf(serverless, /- sqs: /g),
    schedules: [...serverless.matchAll(/schedule: rate\((\d+) (minute|hour)s?\)/g)].map(
      ([, count, unit]) => Number(count) * (unit === 'hour' ? 60 : 1),
    ),
    memoryMegabytes: Number(/memorySize: (\d+)/.exec(serverless)?.[1]),
  };
}

/** Lines of a page. */
const paragraph = (text: string): string => `${wrapped(text, 120)}\n`;

/** The pages by their paths, each with what stands in it between its markers. */
function texts(): Readonly<Record<string, string>> {
  const { provisioning, removal } = countedRuns();
  const atRest = resourcesAtRest();
  const usd = (usage: Usage) => sumOf(costOf(usage, atRest.memoryMegabytes)).toFixed(4);
  const of = { connecting: usd(provisioning), removing: usd(removal) };
  const { sentences, month } = restSentences(atRest);
  return {
    'README.md': paragraph(
      `It costs about ${month} USD a month at rest, ${of.connecting} USD to connect a bucket and ${of.removing} USD to ` +
        'disconnect it, [without free tiers](docs/deployment.md#what-it-costs).',
    ),
    'docs/deployment.md': paragraph(
      `${sentences} To connect a bucket costs about ${of.connecting} USD, and to disconnect it ${of.removing} USD. ` +
        `[docs/performance.md](performance.md#what-a-run-uses) says for what. Prices are those of AWS in eu-west-1 of ${prices.date}.`,
    ),
    'docs/performance.md': `${costTable({ 'connecting a bucket': provisioning, 'disconnecting it': removal }, atRest.memoryMegabytes)}\n\n${paragraph(
      `Step Functions ends an execution that has 25,000 events. One that uses up each retry of each step has ` +
        `${worstCase().toLocaleString('en')}, most of them while it waits for an operator.`,
    )}`,
  };
}

/** @returns each page as it is to be, by its path. @throws Error for one without a place for it */
export function costPages(): Readonly<Record<string, string>> {
  const markers = /(?<=<!-- costs -->\n).*?(?=<!-- \/costs -->)/s;
  return Object.fromEntries(
    Object.entries(texts()).map(([path, text]) => {
      const page = read(path);
      if (!markers.test(page)) throw new Error(`${path} has no <!-- costs --> … <!-- /costs -->.`);
      return [path, page.replace(markers, text)];
    }),
  );
}
