/** Preflight: finds all blocking issues before the first write. */
import { type Bound, withoutPatience } from '../../deadline.ts';
import { ServiceError } from '../../errors.ts';
import type { DesiredState } from '../model/desired-state.ts';
import { resourceTypes } from '../model/resource-keys.ts';
import { bucketAddress, holderOf, nameTaken } from '../resources/bucket/bucket.ts';
import { type Kms, unusableKey } from '../resources/bucket/kms-key.ts';
import { checkAdoptableIntegration, type WaitingReads, withWaiting } from '../resources/dataloop/adopt.ts';
import type { DataloopApi } from '../resources/dataloop/api.ts';
import { checkNoDataset } from '../resources/dataloop/dataset.ts';
import { checkNoDriver } from '../resources/dataloop/driver.ts';
import { organizationOfProject } from '../resources/dataloop/organization.ts';
import type { Iam } from '../resources/role/iam.ts';
import { policyNameTaken } from '../resources/role/policy.ts';
import { roleNameTaken } from '../resources/role/role.ts';
import { isTaggedOurs, type Tags } from '../saga/ownership.ts';
import type { StepContext } from '../saga/step.ts';
import { type AdoptionReads, adoptedBucketChecks, adoptedRoleFindings } from './adopted.ts';
import { asOneError, type Check, type Finding, findingsOf, once } from './checks.ts';
import { dataloopLimit, iamQuotas } from './quotas.ts';

export interface PreflightReads
  extends AdoptionReads,
    WaitingReads,
    Pick<Iam, 'getPolicy' | 'getAccountSummary'>,
    Pick<
      DataloopApi,
      | 'getProject'
      | 'getIntegration'
      | 'listIntegrations'
      | 'countIntegrations'
      | 'listDrivers'
      | 'countDrivers'
      | 'listDatasets'
    > {
  /** Cross-account integrations that an organisation may have, where it is not the usual number. */
  readonly integrationLimit?: number;
  /** The account of the credentials that the service really acts with. */
  getCallerAccountId(): Promise<string>;
}

/** What is asked for. */
interface Wanted {
  readonly desired: DesiredState;
  /** Organisation that the request names. */
  readonly organizationId: string | undefined;
  /** The only organisation that the deployment serves. */
  readonly onlyOrganizationId: string | undefined;
  /** Whether tags say that a resource was made by an earlier attempt of the very same provisioning. */
  readonly isOurs: (tags: Tags) => boolean;
  /** The integration at Dataloop that a bucket is added to; then neither role nor policy nor integration is made. */
  readonly addedToDataloopIntegrationId?: string | undefined;
  /** Fields of the request that name what the deployment may not even look at. */
  readonly outside?: readonly string[];
}

/**
 * Resolves the Dataloop organisation and refuses what would fail later anyway.
 * @returns the organisation, and warnings
 * @throws ServiceError with the name of the first blocking issue, and all of them in its message; nothing has been
 *   created then
 */
export async function preflight(
  step: StepContext,
  reads: PreflightReads,
  onlyOrganizationId: string | undefined,
): Promise<{ organizationId: string; warnings?: readonly string[] }> {
  const wanted: Wanted = {
    desired: step.desired,
    organizationId: step.record.request.dataloop.organizationId,
    onlyOrganizationId,
    // A repeated attempt after a crash may meet nothing of ours: no step has run before this one.
    isOurs: (tags) => isTaggedOurs(step, tags),
    addedToDataloopIntegrationId: step.record.parent?.dataloopIntegrationId,
  };
  const { attempt } = step.call;
  const { findings, organization } = await blockingIssues(wanted, reads, { attempt });
  const error = asOneError(findings);
  if (error) throw error;
  const warnings = findings.map((finding) => finding.error.message);
  return { organizationId: await organization(), ...(warnings.length > 0 ? { warnings } : {}) };
}

/** For a caller who waits, each check within a bound; or by an attempt of a step, which is tried again. */
type Manner = { readonly bound: Bound | undefined } | { readonly attempt: number };

/**
 * Checks everything that may block a provisioning, and changes nothing. An attempt of a step makes one call of IAM first, and
 * no more where that is throttled; one that was throttled before does so at Dataloop, too. So a crowd waits, and takes
 * no calls from those who have begun.
 */
export async function blockingIssues(
  wanted: Wanted,
  reads: PreflightReads,
  manner: Manner,
): Promise<{ readonly findings: readonly Finding[]; readonly organization: () => Promise<string> }> {
  const project = once(() => reads.getProject(wanted.desired.driver.projectId));
  const organization = once(async () => organizationOfProject(await project(), wanted));
  const all = [
    accountCheck(wanted, reads),
    ...dataloopChecks(wanted, reads, { project, organization }),
    ...awsChecks(wanted, reads),
  ];
  const made = all
    .filter(({ pointer }) => !pointer || !wanted.outside?.includes(pointer))
    .map((check) => ({ ...check, run: once(() => check.run()) }));
  const findings = await ('bound' in manner
    ? findingsOf(made, manner.bound)
    : findingsOfAttempt(manner.attempt, made));
  const wrongAccount = findings.filter(({ error }) => error.name === 'WrongAccountError');
  // In another account no other finding is true.
  return { findings: wrongAccount.length > 0 ? wrongAccount : findings, organization };
}

const throttling: readonly string[] = ['AwsUnavailableError', 'DataloopRateLimitError'];
const isThrottled = ({ error }: Finding): boolean => throttling.includes(error.name);

/** Makes some of the checks in each round, and the others at last; no more where one is throttled. */
async function inRounds(
  checks: readonly Check[],
  ...rounds: readonly ((check: Check) => boolean)[]
): Promise<Finding[]> {
  for (const isMade of rounds) {
    const found = await withoutPatience(() => findingsOf(checks.filter(isMade)));
    if (found.some(isThrottled)) return found;
  }
  return findingsOf(checks);
}

async function findingsOfAttempt(attempt: number, checks: readonly Check[]): Promise<Finding[]> {
  const isAtDataloop = ({ subject }: Check) => subject.type.startsWith('Dataloop::');
  const isAtAws = (check: Check) => !isAtDataloop(check);
  const isFirst = (check: Check) => check.isFirst === true;
  if (attempt > 1) return inRounds(checks, (check) => isFirst(check) && isAtAws(check), isFirst);
  // Whoever is alone waits for no call that need not come before another.
  const atDataloop = inRounds(checks.filter(isAtDataloop), () => true);
  const atAws = inRounds(checks.filter(isAtAws), isFirst);
  return (await Promise.all([atDataloop, atAws])).flat();
}

const nothing: readonly Finding[] = [];

function accountCheck({ desired }: Wanted, reads: PreflightReads): Check {
  const subject = { type: 'AWS::Account', id: desired.accountId };
  return {
    subject,
    failure: 'error',
    isFirst: true,
    run: async () => {
      const accountId = await reads.getCallerAccountId();
      if (accountId === desired.accountId) return nothing;
      const error = new ServiceError(
        'WrongAccountError',
        `The service runs with credentials of AWS account ${accountId} but was deployed to ${desired.accountId}. Deploy it again.`,
      );
      return [{ severity: 'error', error, subject }];
    },
  };
}

type Project = Awaited<ReturnType<DataloopApi['getProject']>>;

function dataloopChecks(
  wanted: Wanted,
  reads: PreflightReads,
  known: { project: () => Promise<Project>; organization: () => Promise<string> },
): Check[] {
  const { driver, adoptedDataloopIntegrationId, isMadeByOperator } = wanted.desired;
  const { projectId } = driver;
  const ofProject = { type: 'Dataloop::Project', id: projectId };
  const pointer = '/dataloop/projectId';
  return [
    {
      subject: ofProject,
      pointer,
      failure: 'error',
      isFirst: true,
      run: async () => {
        await known.organization();
        return nothing;
      },
    },
    {
      subject: {
        type: resourceTypes.dataloopIntegration,
        ...(adoptedDataloopIntegrationId ? { id: adoptedDataloopIntegrationId } : {}),
      },
      ...(adoptedDataloopIntegrationId ? { pointer: '/dataloop/integrationId' } : {}),
      failure: 'error',
      run: async () => {
        // The check above reports problems of the project. The deployment's own organisation is known before it.
        const organizationId =
          wanted.onlyOrganizationId ??
          (await known.project().then(
            (project) => project.organizationId ?? wanted.organizationId,
            () => wanted.organizationId,
          ));
        // An operator knows the organisation's integrations; our credentials may not even see them.
        if (!organizationId || isMadeByOperator || wanted.addedToDataloopIntegrationId) return nothing;
        if (adoptedDataloopIntegrationId) {
          await checkAdoptableIntegration(adoptedDataloopIntegrationId, organizationId, reads).catch(
            async (error: unknown) => {
              if (!(error instanceof ServiceError) || error.name !== 'IntegrationNotAdoptableError')
                throw error;
              throw await withWaiting(error, organizationId, reads);
            },
          );
          return nothing;
        }
        return dataloopLimit(
          await reads.countIntegrations(organizationId),
          organizationId,
          reads.integrationLimit,
        );
      },
    },
    {
      subject: { type: resourceTypes.driver },
      pointer,
      failure: 'error',
      // Answers only who may have drivers in the project.
      run: async () => {
        // A new integration has no drivers yet; on an existing one, a driver of our name belongs to somebody else.
        const dataloopIntegrationId = wanted.addedToDataloopIntegrationId ?? adoptedDataloopIntegrationId;
        if (dataloopIntegrationId) await checkNoDriver(wanted.desired, dataloopIntegrationId, reads);
        else await reads.listDrivers(projectId);
        return nothing;
      },
    },
    ...datasetChecks(wanted, reads),
  ];
}

function datasetChecks(
  { desired: { dataset, driver } }: Wanted,
  reads: Pick<DataloopApi, 'listDatasets'>,
): Check[] {
  if (!dataset) return [];
  const { name } = dataset;
  return [
    {
      subject: { type: resourceTypes.dataset, name },
      pointer: '/dataset/name',
      failure: 'error',
      run: async () => {
        await checkNoDataset(name, driver.projectId, reads);
        return nothing;
      },
    },
  ];
}

function awsChecks(wanted: Wanted, reads: PreflightReads): Check[] {
  const { kmsKeyArn } = wanted.desired.bucket;
  return [
    ...(wanted.desired.bucket.mode === 'adopt'
      ? adoptedBucketChecks(wanted.desired, reads)
      : [bucketCheck(wanted, reads)]),
    ...(wanted.addedToDataloopIntegrationId ? [] : nameChecks(wanted, reads)),
    ...(kmsKeyArn ? [keyCheck(kmsKeyArn, reads)] : []),
    ...(wanted.addedToDataloopIntegrationId ? [] : [quotaCheck(reads)]),
  ];
}

function bucketCheck({ desired }: Wanted, reads: PreflightReads): Check {
  const { bucket } = desired;
  const subject = { type: resourceTypes.bucket, arn: bucket.arn };
  const pointer = '/bucket/name';
  return {
    subject,
    pointer,
    failure: 'error',
    run: async () => {
      const holder = await holderOf(bucketAddress({ desired }), reads);
      if (holder === 'nobody') return nothing;
      const holderName =
        holder === 'account'
          ? 'this AWS account'
          : 'another AWS account (or one of your policies hides it from the service)';
      const error = nameTaken(bucket.name, holderName);
      return [{ severity: 'error', error, subject, pointer }];
    },
  };
}

function nameChecks({ desired, isOurs }: Wanted, reads: PreflightReads): Check[] {
  const { role, policy } = desired;
  const roleSubject = { type: resourceTypes.role, arn: role.arn };
  const policySubject = { type: resourceTypes.policy, arn: policy.arn };
  const roleField = '/role/name';
  // The policy of an adopted role is named after the integration.
  const policyField = role.mode === 'adopt' ? '/name' : roleField;
  // Names are unique in an account, whatever their path; what people make by hand lies under none.
  const withoutPath = `arn:${desired.partition}:iam::${desired.accountId}:policy/${policy.name}`;
  const policyArns = [policy.arn, withoutPath];
  return [
    {
      subject: roleSubject,
      pointer: roleField,
      failure: 'error',
      isFirst: true,
      run: async () => {
        if (role.mode === 'adopt') {
          return adoptedRoleFindings(desired, reads, { subject: roleSubject, pointer: roleField });
        }
        const found = await reads.getRole(role.name);
        if (!found || isOurs(found.tags)) return nothing;
        const subject = { ...roleSubject, arn: found.arn };
        return [{ severity: 'error', error: roleNameTaken(role.name), subject, pointer: roleField }];
      },
    },
    {
      subject: policySubject,
      pointer: policyField,
      failure: 'error',
      run: async () => {
        const found = await Promise.all(
          policyArns.map(async (arn) => ({ arn, policy: await reads.getPolicy(arn) })),
        );
        const taken = found.find((each) => each.policy && !isOurs(each.policy.tags));
        if (!taken) return nothing;
        const subject = { ...policySubject, arn: taken.arn };
        return [{ severity: 'error', error: policyNameTaken(policy.name), subject, pointer: policyField }];
      },
    },
  ];
}

const quotaCheck = (reads: Pick<Iam, 'getAccountSummary'>): Check => ({
  subject: { type: 'AWS::IAM::AccountSummary' },
  failure: 'warning',
  run: async () => iamQuotas(await reads.getAccountSummary()),
});

function keyCheck(kmsKeyArn: string, reads: Kms): Check {
  const subject = { type: 'AWS::KMS::Key', arn: kmsKeyArn };
  const pointer = '/bucket/kmsKeyArn';
  return {
    subject,
    pointer,
    // A key's own policy may hide it from this function, and yet let Dataloop's role use it.
    failure: 'warning',
    run: async () => {
      const error = unusableKey(kmsKeyArn, await reads.describeKey(kmsKeyArn));
      return error ? [{ severity: 'error', error, subject, pointer }] : nothing;
    },
  };
}
