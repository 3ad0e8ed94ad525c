/**
 * What the caller may do, asked of the API itself: calls that it refuses for another reason were let through by IAM.
 * None of them can change anything: they name an integration that cannot exist, or have an empty body.
 */
import type { Api } from '../connection/api.ts';
import type { Request } from '../connection/send.ts';
import { type Check, failed, failure, passed, warning } from './check.ts';

/** The first of all ids: no clock makes it. */
const nobody = `/integrations/int_${'0'.repeat(26)}`;

const rights: readonly { readonly what: string; readonly request: Request }[] = [
  { what: 'look', request: { method: 'GET', path: '/integrations?limit=1' } },
  { what: 'plan', request: { method: 'POST', path: '/plans', body: {} } },
  { what: 'connect', request: { method: 'POST', path: '/integrations', body: {} } },
  { what: 'add buckets', request: { method: 'POST', path: `${nobody}/drivers`, body: {} } },
  { what: 'test', request: { method: 'POST', path: `${nobody}/test` } },
  { what: 'disconnect', request: { method: 'DELETE', path: nobody } },
  { what: 'confirm IAM users', request: { method: 'POST', path: `${nobody}/iam-user`, body: {} } },
];

const name = 'API';
const policies = 'Ask for one of the policies in docs/deployment.md#allow-people-to-call-it.';

/** @returns the check, and whether plans may be asked for */
export async function checkRights(api: Api): Promise<{ readonly check: Check; readonly mayPlan: boolean }> {
  const allowed: string[] = [];
  const denied: string[] = [];
  const broken: string[] = [];
  try {
    for (const { what, request } of rights) {
      const { status } = await api.ask(request);
      if (status === 401 || status === 403) denied.push(what);
      else if (status >= 500) broken.push(`${what} (${status})`);
      else allowed.push(what);
    }
  } catch (error) {
    return { check: failure(name, error), mayPlan: false };
  }
  return { check: checkOf(api.apiUrl, allowed, denied, broken), mayPlan: allowed.includes('plan') };
}

function checkOf(
  apiUrl: string,
  allowed: readonly string[],
  denied: readonly string[],
  broken: readonly string[],
): Check {
  if (broken.length > 0) {
    const advice = 'Look at the logs of the functions: docs/operations.md.';
    return failed(name, `${apiUrl} fails: ${broken.join(', ')}`, advice);
  }
  if (allowed.length === 0) return failed(name, `${apiUrl} lets you do nothing`, policies);
  const may = `${apiUrl}: you may ${allowed.join(', ')}`;
  if (denied.length === 0) return passed(name, may);
  // Few people need all: those who connect may not disconnect.
  const isUseful = allowed.includes('look') && allowed.length > 1;
  const detail = `${may}; not ${denied.join(', ')}`;
  return isUseful ? passed(name, detail) : warning(name, detail, policies);
}
