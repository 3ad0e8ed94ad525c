/**
 * An integration that a person makes at Dataloop, because our credentials may not. The workflow waits twice: for the
 * IAM user that Dataloop shows that person, and, once the role is there, for the integration that was given the role.
 */
import * as z from 'zod';
import { type FieldError, ServiceError } from '../../errors.ts';
import type { OperatorAction } from '../api/responses.ts';
import { type DesiredState, trustPolicy } from '../model/desired-state.ts';
import { asIntegration } from '../model/lookup.ts';
import {
  dataloopIdSchema,
  type JournalRecord,
  type OperatorRecord,
  type RecordReader,
} from '../model/record.ts';
import { fieldErrors } from '../model/request.ts';
import type { DataloopApi, DataloopIntegration } from '../resources/dataloop/api.ts';
import { checkNoDriver } from '../resources/dataloop/driver.ts';
import type { IamUserIssued } from '../resources/dataloop/integration.ts';
import { trustEstablished } from '../resources/dataloop/integration.ts';
import { type ConfirmsOrganization, organizationOfProject } from '../resources/dataloop/organization.ts';
import { trustedUserArn } from '../resources/role/trusted-user.ts';
import type { StepContext } from '../saga/step.ts';
/** What the workflow waits for a person to do. */
export type Awaited = 'iam-user' | 'role-given';

/** What is awaited of the operator now; undefined where it is nothing, or nothing any more. */
export function awaitedOf(record: JournalRecord): Awaited | undefined {
  if (record.request.dataloop.createdBy !== 'operator' || record.status !== 'provisioning') return undefined;
  const { steps, resources, operator } = record;
  // Not before the step's function has ended: only then the workflow can be woken.
  if (steps.RequestIamUser?.status === 'waiting') return 'iam-user';
  const hasRole = resources.role?.state === 'created' && steps.CreateRole?.status === 'succeeded';
  return hasRole && operator && !operator.given ? 'role-given' : undefined;
}

/** What a person has to do just now, for the answer of the API. */
export function operatorAction(record: JournalRecord, desired: DesiredState): OperatorAction | undefined {
  const { id: integrationId, dataloop, operator } = record;
  const organization = dataloop ? ` of organisation ${dataloop.organizationId}` : '';
  const path = `/integrations/${integrationId}/iam-user`;
  const policies = { roleArn: desired.role.arn, permissionPolicy: desired.permissionPolicy };
  switch (awaitedOf(record)) {
    case 'iam-user':
      return {
        what: 'Let Dataloop issue an IAM user, and send its ARN.',
        steps: [
          `In Dataloop's console, open the integrations${organization} as an owner, create an integration of the type ` +
            `"Cross Account" named "${desired.dataloopIntegrationName}", and choose "Get IAM user". Leave the dialogue open.`,
          'Copy the ARN of the IAM user that it shows.',
          `Send POST ${path} with {"userArn":"THE ARN"}.`,
        ],
        ...policies,
      };
    case 'role-given':
      return {
        what: 'Give the role to Dataloop, and send the id of the integration.',
        steps: [
          `In Dataloop's console, enter the role ARN ${desired.role.arn} in the integration of the IAM user ` +
            `${operator?.userArn}, and choose "Create".`,
          'Copy the id of that integration.',
          `Send POST ${path} with {"userArn":"${operator?.userArn}","dataloopIntegrationId":"THE ID"}.`,
        ],
        ...policies,
        ...(operator ? { trustPolicy: trustPolicy(operator.userArn) } : {}),
      };
    default:
      return undefined;
  }
}

export const confirmationSchema = z.strictObject({
  userArn: z
    .string('userArn must be a string.')
    .min(20, 'userArn must have at least 20 characters.')
    .max(200, 'userArn must have at most 200 characters.'),
  dataloopIntegrationId: dataloopIdSchema.optional(),
});

export interface OperatorJournal extends RecordReader {
  /**
   * Writes what the operator said, where the workflow still waits and nobody has said otherwise.
   * @param before what the journal must hold of it
   * @returns the record as it then is; undefined where that does not hold
   */
  writeOperator(
    integrationId: string,
    operator: OperatorRecord,
    before: OperatorRecord | undefined,
  ): Promise<JournalRecord | undefined>;
}

export interface Confirmation {
  readonly journal: OperatorJournal;
  announceIamUser(issued: IamUserIssued): Promise<void>;
  readonly partition: string;
  readonly dataloopAccountId: string | undefined;
}

/**
 * `POST /integrations/{integrationId}/iam-user`. Repeated with the same body it changes nothing, and wakes a workflow
 * whose event was lost.
 * @param by ARN of the caller, for the journal
 * @throws ServiceError `NothingAwaitedError` where nothing is awaited, or another user was named before
 */
export async function confirmIamUser(
  integrationId: string,
  body: unknown,
  by: string,
  parts: Confirmation,
): Promise<JournalRecord> {
  const parsed = confirmationSchema.safeParse(body);
  if (!parsed.success) throw refused(fieldErrors(parsed.error, body));
  const { userArn, dataloopIntegrationId } = parsed.data;
  const record = asIntegration(await parts.journal.read(integrationId), integrationId);
  const awaited = awaitedOf(record);
  const known = record.operator;
  if (known && known.userArn !== userArn) throw otherUser(record);
  if (!awaited) return repeatedOrRefused(record, dataloopIntegrationId);

  checkUser(userArn, parts);
  const said = { by, at: new Date().toISOString() };
  if (awaited === 'role-given') {
    // The first answer again, whose answer was lost while the workflow went on: the action says what comes next.
    if (!dataloopIntegrationId) return record;
    const given = { dataloopIntegrationId, ...said };
    return write(record, { userArn, named: known?.named ?? said, given }, parts);
  }
  const written = known ? record : await write(record, { userArn, named: said }, parts);
  // The event wakes; CreateRole decides whom to trust.
  await parts.announceIamUser({ integrationId, userArn });
  return written;
}

async function write(
  record: JournalRecord,
  operator: OperatorRecord,
  { journal }: Confirmation,
): Promise<JournalRecord> {
  const written = await journal.writeOperator(record.id, operator, record.operator);
  if (written) return written;
  throw new ServiceError(
    'NothingAwaitedError',
    `Integration ${record.id} has moved on, or somebody else answered first. See GET /integrations/${record.id}.`,
  );
}

/** A call whose answer was lost is no error. */
function repeatedOrRefused(record: JournalRecord, dataloopIntegrationId: string | undefined) {
  const { operator, status } = record;
  const isSame = !dataloopIntegrationId || operator?.given?.dataloopIntegrationId === dataloopIntegrationId;
  if (operator && isSame && status === 'provisioning') return record;
  throw new ServiceError(
    'NothingAwaitedError',
    `No input is needed now. See GET /integrations/${record.id}.`,
  );
}

function otherUser({ id: integrationId, operator }: JournalRecord): ServiceError {
  return new ServiceError(
    'NothingAwaitedError',
    `Integration ${integrationId} already has the IAM user ${operator?.userArn}. If that is wrong, send DELETE and start ` +
      'again.',
  );
}

/** Dataloop itself cannot be asked: at least the account must be known to be Dataloop's. */
function checkUser(userArn: string, { partition, dataloopAccountId }: Confirmation): void {
  try {
    operatorUserArn(userArn, partition, dataloopAccountId);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw refused([{ pointer: '/userArn', detail: error.message }]);
  }
}

function operatorUserArn(userArn: string, partition: string, dataloopAccountId: string | undefined): string {
  if (!dataloopAccountId) {
    throw new ServiceError(
      'InvalidIamUserArnError',
      "Operator mode needs the id of Dataloop's AWS account. Deploy with the parameter dataloopAccountId.",
    );
  }
  return trustedUserArn(userArn, partition, dataloopAccountId, 'caller');
}

function refused(fields: readonly FieldError[]): ServiceError {
  return new ServiceError(
    'InvalidRequestError',
    'The request body is invalid. Correct the fields that "errors" lists.',
    {
      fields,
    },
  );
}

/** What Dataloop answers, where our credentials may ask. */
async function ifAllowed<T>(call: Promise<T>): Promise<T | 'forbidden'> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'DataloopForbiddenError') return 'forbidden';
    throw error;
  }
}

/**
 * The IAM user that the operator named. Where our credentials may read the organisation's integrations, one of them
 * must have that user.
 * @throws ServiceError `InvalidIamUserArnError` for a user that must not be trusted
 */
export async function namedUserArn(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'listIntegrations'> & ConfirmsOrganization,
  trust: { partition: string; dataloopAccountId: string | undefined },
): Promise<string> {
  const named = step.record.operator?.userArn;
  if (!named) throw new ServiceError('IamUserNotIssuedError', 'The operator has not named the IAM user yet.');
  const userArn = operatorUserArn(named, trust.partition, trust.dataloopAccountId);
  // Asked again: in an organisation that is not the project's, "may not be asked" would say nothing.
  const organizationId = organizationOfProject(await dataloop.getProject(step.desired.driver.projectId), {
    organizationId: step.record.request.dataloop.organizationId,
    onlyOrganizationId: dataloop.organizationId,
  });
  const all = await ifAllowed(dataloop.listIntegrations(organizationId));
  if (all !== 'forbidden' && !all.some((integration) => integration.userArn === userArn)) {
    throw new ServiceError(
      'InvalidIamUserArnError',
      `The organisation ${organizationId} has no integration at Dataloop with the IAM user ${userArn}. No trust was granted. ` +
        'Send the request again, and name the user that Dataloop shows.',
    );
  }
  return userArn;
}

/**
 * Takes on the integration that the operator gave the role.
 * @param timeoutSeconds how long is waited for the operator
 * @throws ServiceError `OperatorAwaitedError` until it is named; `OperatorTimeoutError` where that takes too long
 */
export async function takeGivenIntegration(
  step: StepContext,
  organizationId: string,
  dataloop: Pick<DataloopApi, 'getIntegration' | 'listDrivers'>,
  timeoutSeconds: number,
): Promise<{ trustStatus: string }> {
  const { operator } = step.record;
  if (!operator?.given) throw notGiven(step, timeoutSeconds);
  const id = operator.given.dataloopIntegrationId;
  const found = await ifAllowed(dataloop.getIntegration(organizationId, id));
  if (!found) {
    throw new ServiceError(
      'DataloopNotFoundError',
      `The organisation ${organizationId} has no integration ${id} at Dataloop. Send the request again, and name the ` +
        'integration that has the role.',
    );
  }
  if (found !== 'forbidden') checkGiven(found, operator.userArn, step.desired.role.arn);
  if (step.resource('dataloopIntegration')?.id !== id) {
    await checkNoDriver(step.desired, id, dataloop);
    const name = found === 'forbidden' ? {} : { name: found.name };
    await step.created('dataloopIntegration', { id, ...name, origin: 'adopted' });
  }
  // Where it cannot be read the driver test, which uses the role, is the proof.
  return { trustStatus: found === 'forbidden' ? 'unknown' : trustEstablished };
}

function notGiven(step: StepContext, timeoutSeconds: number): ServiceError {
  const waitedSeconds = (step.call.begunAt - Date.parse(step.call.startedAt)) / 1000;
  return waitedSeconds < timeoutSeconds
    ? new ServiceError(
        'OperatorAwaitedError',
        'The operator has not given the role to Dataloop yet. The service waits.',
      )
    : new ServiceError(
        'OperatorTimeoutError',
        'The operator did not report in time that Dataloop has the role (parameter iamUserTimeoutSeconds). ' +
          'Send the request again, or raise the parameter.',
      );
}

function checkGiven(found: DataloopIntegration, userArn: string, roleArn: string): void {
  if (found.userArn !== userArn) {
    throw new ServiceError(
      'InvalidIamUserArnError',
      `Dataloop's integration ${found.id} does not have the IAM user ${userArn} that was named. Send the request again, with a ` +
        'user and an integration that belong together.',
    );
  }
  if (found.trustStatus !== trustEstablished) {
    throw new ServiceError(
      'TrustNotEstablishedError',
      `Dataloop's integration ${found.id} says "${found.trustStatus ?? 'nothing'}". Enter the role ARN ${roleArn} there. If it ` +
        'is there already, look for a service control policy that blocks other accounts.',
    );
  }
}
