/**
 * The secret, Dataloop's answer to it, and Dataloop's quota. The service itself tries the secret, by a plan: this
 * program never reads it.
 */
import type { Account } from '../connection/account.ts';
import { type Plan, planSchema } from '../connection/answers.ts';
import type { Api } from '../connection/api.ts';
import { type Check, failed, failure, passed, skipped, warning } from './check.ts';

const store =
  'Store it as docs/deployment.md#store-dataloops-credentials says, with aws secretsmanager create-secret.';

export async function checkSecret(account: Account, secretName: string): Promise<Check> {
  const name = 'Secret';
  try {
    const state = await account.secret(secretName);
    if (state === 'there') return passed(name, `${secretName} is there`);
    if (state === 'missing') return failed(name, `There is no secret ${secretName}`, store);
    return failed(
      name,
      `${secretName} is marked for deletion`,
      `Run: aws secretsmanager restore-secret --secret-id ${secretName}`,
    );
  } catch (error) {
    return failure(name, error, skipped);
  }
}

const kindOf = (type: string): string => type.split(':').at(-1) ?? '';

/** @param project id of a project at Dataloop; without one, role and quota cannot be asked for */
export async function checkDataloop(api: Api, project: string | undefined, unique: string): Promise<Check[]> {
  const request = {
    name: `doctor-${unique}`,
    bucket: { name: `dataloop-doctor-${unique}` },
    dataloop: { projectId: project ?? `doctor-${unique}` },
  };
  try {
    const { value } = await api.call({ method: 'POST', path: '/plans', body: request }, planSchema);
    return verdicts(value, project);
  } catch (error) {
    return [failure('Dataloop', error)];
  }
}

const credentials = 'Dataloop';
const role = 'Dataloop role';
const quota = 'Dataloop quota';

export function verdicts({ findings }: Plan, project: string | undefined): Check[] {
  const about = (...kinds: readonly string[]) => findings.find(({ type }) => kinds.includes(kindOf(type)));
  const unusable = about('dataloop-credentials', 'configuration', 'aws-access-denied');
  const unclear = findings.find(
    ({ severity, type }) => severity === 'unknown' && kindOf(type).startsWith('dataloop'),
  );
  if (unusable) return [failed(credentials, unusable.detail)];
  if (unclear) return [warning(credentials, unclear.detail, 'Run doctor again in a moment.')];
  const expiring = about('dataloop-api-key-expires');
  const accepted = expiring
    ? warning(credentials, `accepts the secret. ${expiring.detail}`)
    : passed(credentials, 'accepts the secret');
  if (project === undefined) {
    return [
      accepted,
      skipped(role, 'not looked at', 'Run doctor --project PROJECT_ID to check role and quota.'),
    ];
  }
  const lacking = about(
    'dataloop-forbidden',
    'dataloop-not-found',
    'outside-deployment',
    'dataloop-not-ours',
  );
  const limit = about('dataloop-integration-limit');
  return [
    accepted,
    lacking
      ? failed(role, lacking.detail)
      : passed(role, `owner or admin of the organisation, and owner or developer of project ${project}`),
    ...(lacking
      ? []
      : [limit ? warning(quota, limit.detail) : passed(quota, 'has room for another integration')]),
  ];
}
