/** Follows an integration through the API and prints each step as the command line shows it. */
import { setTimeout as delay } from 'node:timers/promises';
import { progressOn } from '../../cli/screen/progress.ts';
import { type ApiClient, type IntegrationAnswer, integrationSchema, settledStatuses } from './api-client.ts';
import { terminalWidth } from './wrapped.ts';

/** Where the progress goes; on a terminal the last lines are redrawn. */
export interface Screen {
  readonly isTerminal: boolean;
  write(text: string): void;
}

/**
 * Polls an integration or an added driver until it settles, and prints its steps.
 * @param path its path in the API
 * @param since ISO time: steps that began before it were shown before
 * @throws Error when it has not settled in time
 */
export async function follow(
  api: ApiClient,
  path: string,
  screen: Screen,
  { since = '', timeoutSeconds }: { since?: string; timeoutSeconds: number },
): Promise<IntegrationAnswer> {
  const progress = progressOn(
    {
      isLive: screen.isTerminal,
      columns: terminalWidth,
      write: (text) => screen.write(text),
      paint: (_colour, text) => text,
    },
    Date.now,
  );
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const answer = await api.request('GET', path);
    if (answer.status !== 200) {
      throw new Error(`GET ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    const integration = integrationSchema.parse(answer.body);
    progress.show(integration.steps.filter(({ startedAt }) => startedAt >= since));
    if (settledStatuses.includes(integration.status)) {
      progress.end();
      return integration;
    }
    if (Date.now() > deadline) {
      throw new Error(`${path} is still ${integration.status} after ${timeoutSeconds} s.`);
    }
    await delay(120);
  }
}
