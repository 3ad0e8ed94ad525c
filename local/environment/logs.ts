/** Logs of the deployed functions: they live in the emulator and would end with it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CloudWatchLogsClient,
  FilterLogEventsCommand,
  paginateDescribeLogGroups,
} from '@aws-sdk/client-cloudwatch-logs';
import type { LocalEnvironment } from './start.ts';

/** Writes all log events of all functions, by function and time, into the environment's folder. */
export async function saveFunctionLogs(environment: LocalEnvironment): Promise<string> {
  const { endpointUrl: endpoint, region, credentials, folder } = environment;
  const client = new CloudWatchLogsClient({ endpoint, region, credentials });
  const lines: string[] = [];
  for await (const page of paginateDescribeLogGroups({ client }, { logGroupNamePrefix: '/aws/lambda/' })) {
    for (const { logGroupName = '' } of page.logGroups ?? []) {
      const { events = [] } = await client.send(new FilterLogEventsCommand({ logGroupName }));
      lines.push(
        ...events.map(
          ({ timestamp = 0, message = '' }) =>
            `${new Date(timestamp).toISOString()} ${logGroupName} ${message.trimEnd()}`,
        ),
      );
    }
  }
  const file = join(folder, 'functions.log');
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}
