/** `npm run verify -- --stage S`: looks at a deployed stage from outside, prints what it finds, and changes nothing. */
import { parseArgs } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { runProgram } from '../local/environment/processes.ts';
import { lineOf, placeOf, verify } from './verification.ts';

await runProgram(async () => {
  const { values } = parseArgs({ options: { stage: { type: 'string' }, region: { type: 'string' } } });
  const { stage, region } = placeOf(values, process.env);
  const settings = { region };
  const clients = {
    cloudFormation: new CloudFormationClient(settings),
    logs: new CloudWatchLogsClient(settings),
    dynamodb: new DynamoDBClient(settings),
    // The simulator takes few calls a second.
    iam: new IAMClient({ ...settings, maxAttempts: 10 }),
    lambda: new LambdaClient(settings),
  };
  const findings = await verify(clients, stage);
  for (const finding of findings) process.stdout.write(`${lineOf(finding)}\n`);
  const wrong = findings.filter(({ isRight }) => !isRight).length;
  process.stdout.write(`${findings.length - wrong} right, ${wrong} wrong\n`);
  return wrong === 0 ? 0 : 1;
});
