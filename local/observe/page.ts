/** The page of all workflows (cli/page) on the local environment, with its own credentials. */
import { setTimeout as delay } from 'node:timers/promises';
import { IAMClient } from '@aws-sdk/client-iam';
import { SFNClient } from '@aws-sdk/client-sfn';
import { apiOf } from '../../cli/connection/api.ts';
import { readHistory } from '../../cli/connection/history.ts';
import { readPolicies } from '../../cli/connection/policies.ts';
import { signedRequests } from '../../cli/connection/send.ts';
import { answersOf } from '../../cli/page/answers.ts';
import { pageDocument } from '../../cli/page/document.ts';
import { type PageServer, servePage } from '../../cli/page/server.ts';
import { bundlePage } from '../../scripts/command-line.ts';
import type { LocalEnvironment } from '../environment/start.ts';

export async function serveLocalPage(environment: LocalEnvironment, apiUrl: string): Promise<PageServer> {
  const { endpointUrl: endpoint, region, credentials } = environment;
  const options = { endpoint, region, credentials };
  const [iam, workflows] = [new IAMClient(options), new SFNClient(options)];
  const api = apiOf({
    apiUrl,
    region,
    send: signedRequests(apiUrl, region, credentials),
    delay: (milliseconds) => delay(milliseconds),
    // The page shows what it learns in the end.
    note: () => undefined,
  });
  const answers = answersOf(api, {
    policies: (roleArn, policyArns) => readPolicies(iam, roleArn, policyArns),
    history: (executionArn) => readHistory(workflows, executionArn),
  });
  return servePage(pageDocument(await bundlePage(), { title: 'dataloop-connect, local', apiUrl }), answers);
}
