/** Dataloop: integrations and drivers, whose names may repeat, behind its HTTP API. */

import { dataloopAccountId, organizationId, projectId } from '../environment.ts';
import type { Aws } from './account.ts';
import { type Answer, answerOf } from './answers.ts';
import type { Clock } from './clock.ts';
import type { Thing, Watch } from './things.ts';
import { trusts } from './trust-documents.ts';
import type { Failures, Worker } from './worker.ts';
import { platformDatasets } from './world-datasets.ts';
import type { Journal } from './world-journal.ts';
import { defaultVersionOf } from './world-policies.ts';

export interface DataloopSettings {
  /** ms until an IAM user is issued; undefined: never. */
  readonly userDelayMs: number | undefined;
  /** ms until a role that may be assumed is found to be so. */
  readonly trustDelayMs: number;
}

export interface PlatformIntegration extends Thing {
  readonly id: string;
  readonly name: string;
  readonly userArn: string;
  /** Integrations of one organisation are not shown in another. */
  readonly organizationId: string;
  roleArn: string | undefined;
  roleArnAt: number;
  /** The integration of ours that gave it its role last. */
  roleArnBy: string | undefined;
}

export interface PlatformDriver extends Thing {
  readonly id: string;
  readonly name: string;
  readonly integrationId: string;
  readonly bucketName: string;
}

export interface Platform {
  readonly integrations: Map<string, PlatformIntegration>;
  readonly drivers: Map<string, PlatformDriver>;
  readonly datasets: ReturnType<typeof platformDatasets>['all'];
  /** Whether Dataloop, or an operator, has named an IAM user for this integration of ours. */
  mayTrust(integrationId: string, userArn: string): boolean;
  readonly deletedUsers: Map<string, string>;
  /** Whether its IAM user can be seen by now. */
  isIssued(integration: PlatformIntegration): boolean;
  /** Shows its IAM user to a person. */
  name(integration: PlatformIntegration): void;
  /** Gives it the role, as a person or the service does. @param by the integration of ours that does */
  giveRole(integration: PlatformIntegration, roleArn: string | undefined, by?: string): void;
  deleteIntegration(integration: PlatformIntegration): void;
  addIntegration(maker: string, name: string, of?: string): PlatformIntegration;
  addDriver(maker: string, driver: { name: string; integrationId: string; bucketName: string }): void;
  answer(method: string, path: string, body: Readonly<Record<string, unknown>>, by: Worker): Answer;
}

/** Dataloop's failures are answers; one that does not come is a time-out of the gateway before it. */
export const dataloopFailures: Failures = {
  unavailable: () => answerOf(503, { message: 'unavailable' }),
  refused: () => answerOf(403, { message: 'forbidden' }),
  noAnswer: () => answerOf(504, { message: 'no answer' }),
  throttled: () => answerOf(429, { message: 'Too many requests' }, '1'),
  sendsAgain: false,
};

export function platform(
  clock: Clock,
  watch: Watch,
  settings: DataloopSettings,
  account: () => Aws,
  journal: Pick<Journal, 'holderOf' | 'record'>,
): Platform {
  const integrations = new Map<string, PlatformIntegration>();
  const drivers = new Map<string, PlatformDriver>();
  const datasets = platformDatasets(clock, watch);
  const named = new Map<string, PlatformIntegration>();
  const deletedUsers = new Map<string, string>();
  let ids = 0;

  const addIntegration: Platform['addIntegration'] = (maker, name, of = organizationId) => {
    ids += 1;
    const integration = {
      key: `Dataloop integration ${ids}`,
      maker,
      bornAt: clock.now(),
      tamperedWith: false,
      id: `i-${ids}`,
      name,
      userArn: `arn:aws:iam::${dataloopAccountId}:user/dataloop-${ids}`,
      organizationId: of,
      roleArn: undefined,
      roleArnAt: 0,
      roleArnBy: undefined,
    };
    integrations.set(integration.id, integration);
    return integration;
  };

  const addDriver: Platform['addDriver'] = (maker, driver) => {
    ids += 1;
    const id = `d-${ids}`;
    drivers.set(id, {
      key: `Dataloop driver ${ids}`,
      maker,
      bornAt: clock.now(),
      tamperedWith: false,
      id,
      ...driver,
    });
    return id;
  };

  /** Whether the integration's user may assume its role. */
  function assumes(integration: PlatformIntegration): boolean {
    const role = [...account().roles.values()].find(({ arn }) => arn === integration.roleArn);
    return role !== undefined && trusts(role.trust, integration.userArn);
  }

  const isIssued = ({ bornAt }: PlatformIntegration): boolean =>
    settings.userDelayMs !== undefined && clock.now() >= bornAt + settings.userDelayMs;

  const isAdoptedBy = (integrationId: string | undefined, { id }: PlatformIntegration): boolean =>
    integrationId !== undefined && journal.holderOf(`adopted-integration#${id}`) === integrationId;

  function giveRole(integration: PlatformIntegration, roleArn: string | undefined, by?: string): void {
    if (integration.roleArn !== roleArn) Object.assign(integration, { roleArn, roleArnAt: clock.now() });
    integration.roleArnBy = by;
  }

  /** With an integration goes its IAM user. */
  function deleteIntegration({ id, userArn }: PlatformIntegration): void {
    integrations.delete(id);
    deletedUsers.set(userArn, `AIDA${id.toUpperCase().replace('-', '')}`);
  }

  function reaches(integrationId: unknown, bucketName: unknown): boolean {
    const integration = integrations.get(String(integrationId));
    const bucket = account().buckets.get(String(bucketName));
    const role = [...account().roles.values()].find(({ arn }) => arn === integration?.roleArn);
    const allowed = [...(role?.attached ?? [])].some((arn) => {
      const policy = account().policies.get(arn);
      return policy && defaultVersionOf(policy).document.includes(`"arn:aws:s3:::${bucketName}/`);
    });
    return integration !== undefined && assumes(integration) && bucket !== undefined && allowed;
  }

  function shown(integration: PlatformIntegration) {
    const { id, name, userArn, roleArn, roleArnAt } = integration;
    const metadata: { name: string; value: string }[] = [];
    if (isIssued(integration)) {
      metadata.push({ name: 'userArn', value: userArn });
      named.set(userArn, integration);
    }
    const isTrusted =
      roleArn !== undefined && assumes(integration) && clock.now() >= roleArnAt + settings.trustDelayMs;
    metadata.push({ name: 'status', value: isTrusted ? 'trust-established' : 'waiting-trust' });
    return { id, name, type: 'aws-cross', metadata };
  }

  const tested = (isReached: boolean) =>
    isReached ? answerOf(200, {}) : answerOf(400, { message: 'cannot use the bucket' });

  function integrationCall(
    method: string,
    organization: string | undefined,
    id: string | undefined,
    body: Readonly<Record<string, unknown>>,
    by: Worker,
  ): Answer {
    if (method === 'POST') {
      return answerOf(201, shown(addIntegration(by.integrationId ?? '', String(body['name']), organization)));
    }
    const isShown = ({ organizationId }: PlatformIntegration) => organizationId === organization;
    if (method === 'GET' && !id) return answerOf(200, [...integrations.values()].filter(isShown).map(shown));
    const integration = integrations.get(id ?? String(body['integrationId']));
    if (!integration || !isShown(integration)) return answerOf(404, { message: 'not found' });
    if (method === 'GET') return answerOf(200, shown(integration));
    const isGiven = method === 'PATCH' && isAdoptedBy(by.integrationId, integration);
    if (!isGiven) watch.touched(by, integration, `${method} integration`);
    if (method === 'DELETE') {
      deleteIntegration(integration);
      return answerOf(204);
    }
    const roleArn = /"roleArn":"([^"]*)"/.exec(JSON.stringify(body))?.[1];
    giveRole(integration, roleArn, by.integrationId);
    return answerOf(200, shown(integration));
  }

  function driverCall(
    method: string,
    id: string | undefined,
    more: string | undefined,
    body: Readonly<Record<string, unknown>>,
    by: Worker,
  ): Answer {
    const show = ({ id, name, integrationId, bucketName }: PlatformDriver) => ({
      id,
      name,
      integrationId,
      bucketName,
    });
    if (id === 'byIntegration') {
      const count = [...drivers.values()].filter((driver) => driver.integrationId === more).length;
      return answerOf(200, count);
    }
    if (method === 'GET' && !id) return answerOf(200, [...drivers.values()].map(show));
    const bucketName = /"bucketName":"([^"]*)"/.exec(JSON.stringify(body))?.[1] ?? '';
    const integrationId = String(body['integrationId']);
    if (method === 'POST' && id === 'test') return tested(reaches(integrationId, bucketName));
    if (method === 'POST') {
      // Test.
      if (!integrations.has(integrationId)) return answerOf(400, { message: 'no such integration' });
      addDriver(by.integrationId ?? '', { name: String(body['name']), integrationId, bucketName });
      const [made] = [...drivers.values()].slice(-1);
      return answerOf(201, made && show(made));
    }
    const driver = drivers.get(id ?? '');
    if (!driver) return answerOf(404, { message: 'not found' });
    if (method === 'GET') return tested(reaches(driver.integrationId, driver.bucketName));
    if ([...datasets.all.values()].some((dataset) => dataset.driver === driver.id)) {
      return answerOf(400, { message: 'a dataset uses it' });
    }
    watch.touched(by, driver, `${method} driver`);
    drivers.delete(driver.id);
    return answerOf(204);
  }

  return {
    integrations,
    drivers,
    datasets: datasets.all,
    addIntegration,
    addDriver,
    mayTrust: (integrationId, userArn) => {
      const issued = named.get(userArn);
      const isNamedByOperator = journal.record(integrationId)?.operator?.userArn === userArn;
      return (
        issued !== undefined &&
        (issued.maker === integrationId || isAdoptedBy(integrationId, issued) || isNamedByOperator)
      );
    },
    deletedUsers,
    isIssued,
    name: (integration) => named.set(integration.userArn, integration),
    giveRole,
    deleteIntegration,
    answer: (method, path, body, by) => {
      const [kind, first, second, third] = path.split('?')[0]?.split('/').slice(1) ?? [];
      if (kind === 'projects') {
        return first === projectId ? answerOf(200, { id: projectId, org: organizationId }) : answerOf(404);
      }
      if (kind === 'orgs' && second === 'integrations')
        return integrationCall(method, first, third, body, by);
      if (kind === 'datasets') return datasets.call(method, first, second, body, by);
      if (kind === 'commands') return datasets.command(first ?? '');
      if (kind === 'drivers') return driverCall(method, first, second, body, by);
      throw new Error(`Dataloop has no ${method} ${path}.`);
    },
  };
}
