/** Follows an integration through the API and prints each step as it happens. */
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiClient, type IntegrationAnswer, integrationSchema, settledStatuses } from './api-client.ts';

type Step = IntegrationAnswer['steps'][number];

/** Where the progress goes; on a terminal the last line is redrawn. */
export interface Screen {
  readonly isTerminal: boolean;
  write(text: string): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const signs: Readonly<Record<string, string>> = { succeeded: '✓', failed: '✗' };

const ended = (step: Step): boolean => step.status === 'succeeded' || step.status === 'failed';

/** `✓ CreateBucket          succeeded    0.4 s  1 attempt` */
export function stepLine(step: Step, now: number): string {
  const until = step.endedAt && ended(step) ? Date.parse(step.endedAt) : now;
  const seconds = (Math.max(0, until - Date.parse(step.startedAt)) / 1000).toFixed(1);
  const attempts = `${step.attempts} ${step.attempts === 1 ? 'attempt' : 'attempts'}`;
  const sign = signs[step.status] ?? '…';
  return `  ${sign} ${step.name.padEnd(20)} ${step.status.padEnd(10)} ${seconds.padStart(6)} s  ${attempts}`;
}

/** Prints what changed from one answer to the next. */
export function progressPrinter(screen: Screen, now: () => number = Date.now) {
  const printed = new Map<string, string>();
  let frame = 0;
  const clear = () => {
    if (screen.isTerminal) screen.write('\r\u001b[2K');
  };
  return {
    clear,
    show(steps: readonly Step[]): void {
      clear();
      for (const step of [...steps].sort((a, b) => a.startedAt.localeCompare(b.startedAt))) {
        const state = `${step.startedAt} ${step.status} ${step.attempts}`;
        // A step in between is a line of its own only where no spinner shows it.
        if (printed.get(step.name) === state || (screen.isTerminal && !ended(step))) continue;
        printed.set(step.name, state);
        screen.write(`${stepLine(step, now())}\n`);
      }
      if (!screen.isTerminal) return;
      const open = steps.filter((step) => !ended(step));
      const said = open.map(({ name, status }) => (status === 'waiting' ? `${name} (waiting)` : name));
      frame = (frame + 1) % frames.length;
      if (said.length > 0) screen.write(`  ${frames[frame]} ${said.join(', ')}`);
    },
  };
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
  const printer = progressPrinter(screen);
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const answer = await api.request('GET', path);
    if (answer.status !== 200) {
      throw new Error(`GET ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    const integration = integrationSchema.parse(answer.body);
    printer.show(integration.steps.filter(({ startedAt }) => startedAt >= since));
    if (settledStatuses.includes(integration.status)) {
      printer.clear();
      return integration;
    }
    if (Date.now() > deadline) {
      throw new Error(`${path} is still ${integration.status} after ${timeoutSeconds} s.`);
    }
    await delay(120);
  }
}
