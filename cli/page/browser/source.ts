/** Where the page has its answers from: the report that it is, or the program that serves it. */
import type { Connection, TestResult } from '../../connection/answers.ts';
import type { Policies } from '../../connection/policies.ts';
import type { ListEntry, Past, Unknown } from '../answers.ts';
import type { PageSettings } from '../document.ts';

export const settings: PageSettings = JSON.parse(document.querySelector('#settings')?.textContent ?? '');

/** Who serves the page has checked each answer; this only says what it is. @throws Error in words for people */
async function get(path: string) {
  const { report } = settings;
  if (report) return report.answers[path];
  const response = await fetch(`data/${path}`, { cache: 'no-store', redirect: 'error' }).catch(() => {
    throw new Error(
      'dataloop-connect does not answer any more: it has ended, or your computer slept. Start it again.',
    );
  });
  const answer = await response
    .json()
    .catch(() => ({ error: `dataloop-connect answered ${response.status}.` }));
  if (!response.ok) throw new Error(String(answer.error));
  return answer;
}

export const readList = async (): Promise<ListEntry[]> => get('integrations');
export const readConnection = async (path: string): Promise<Connection> => get(path);
export const readPolicies = async (path: string): Promise<Policies | Unknown> => get(`${path}/policies`);
export const readHistory = async (path: string): Promise<Past | Unknown> => get(`${path}/history`);
/** Only a report has one: a test is more than a look. */
export const readTest = async (path: string): Promise<TestResult | Unknown | undefined> =>
  settings.report ? get(`${path}/test`) : undefined;
