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
import type { StepName } from '../model/steps.ts';
import type { IamUserIssued } from '../resources/dataloop/integration.ts';
import { trustedUserArn } from '../resources/role/trusted-user.ts';

/** What the workflow waits for a person to do; `correct-…` where it waits and what was named does not fit, or not yet. */
export type Awaited = 'iam-user' | 'correct-iam-user' | 'role-given' | 'correct-integration';

/** What is awaited of the operator now; undefined where it is nothing, or nothing any more. */
export function awaitedOf(record: JournalRecord): Awaited | undefined {
  if (record.request.dataloop.createdBy !== 'operator' || record.status !== 'provisioning') return undefined;
  const { steps, resources, operator } = record;
  // Not before the step's function has ended: only then the workflow can be woken.
  if (steps.RequestIamUser?.status === 'waiting') return 'iam-user';
  if (!operator || resources.dataloopIntegration) return undefined;
  // A role may trust the one that was named as soon as it is about to be made.
  if (!resources.role) return steps.CreateRole?.status === 'retrying' ? 'correct-iam-user' : undefined;
  if (resources.role.state !== 'created' || steps.CreateRole?.status !== 'succeeded') return undefined;
  return operator.given ? 'correct-integration' : 'role-given';
}

/** The step that waits for it. */
const waitingStep = {
  'iam-user': 'RequestIamUser',
  'correct-iam-user': 'CreateRole',
  'role-given': 'CompleteIntegration',
  'correct-integration': 'CompleteIntegration',
} as const satisfies Record<Awaited, StepName>;

/**
 * What a person has to do just now, for the answer of the API.
 * @param timeoutSeconds how long each step waits
 */
export function operatorAction(
  record: JournalRecord,
  desired: DesiredState,
  timeoutSeconds: number,
): OperatorAction | undefined {
  const awaited = awaitedOf(record);
  if (!awaited) return undefined;
  const { operator, steps } = record;
  const startedAt = steps[waitingStep[awaited]]?.startedAt;
  return {
    ...actionsFor(record, desired)[awaited],
    roleArn: desired.role.arn,
    permissionPolicy: desired.permissionPolicy,
    ...(operator && record.resources.role ? { trustPolicy: trustPolicy(operator.userArn) } : {}),
    ...(startedAt ? { until: new Date(Date.parse(startedAt) + timeoutSeconds * 1000).toISOString() } : {}),
  };
}

function actionsFor(
  { id: integrationId, dataloop, operator }: JournalRecord,
  desired: DesiredState,
): Readonly<Record<Awaited, Pick<OperatorAction, 'what' | 'steps'>>> {
  const organization = dataloop ? ` of organisation ${dataloop.organizationId}` : '';
  const path = `/integrations/${integrationId}/iam-user`;
  const user = operator?.userArn;
  const id = operator?.given?.dataloopIntegrationId;
  return {
    'iam-user': {
      what: 'Let Dataloop issue an IAM user, and send its ARN.',
      steps: [
        `In Dataloop's console, open the integrations${organization} as an owner, create an integration of the type ` +
          `"Cross Account" named "${desired.dataloopIntegrationName}", and choose "Get IAM user". Leave the dialogue open.`,
        'Copy the ARN of the IAM user that it shows.',
        `Send POST ${path} with {"userArn":"THE ARN"}.`,
      ],
    },
    'correct-iam-user': {
      what: `Check the IAM user ${user}.`,
      steps: [
        'Read the "reason" of the step CreateRole.',
        `If the user is wrong, send POST ${path} with {"userArn":"THE RIGHT ARN"}.`,
      ],
    },
    'role-given': {
      what: 'Give the role to Dataloop, and send the id of the integration.',
      steps: [
        `In Dataloop's console, enter the role ARN ${desired.role.arn} in the integration of the IAM user ${user}, and ` +
          'choose "Create".',
        'Copy the id of that integration.',
        `Send POST ${path} with {"userArn":"${user}","dataloopIntegrationId":"THE ID"}.`,
      ],
    },
    'correct-integration': {
      what: `Check the integration ${id}: the service asks Dataloop about it at least once a minute.`,
      steps: [
        'Read the "reason" of the step CompleteIntegration, and do what it says.',
        `If the id is wrong, send POST ${path} with {"userArn":"${user}","dataloopIntegrationId":"THE RIGHT ID"}.`,
      ],
    },
  };
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
   * Writes what the operator said, where the record is provisioning and nobody has said otherwise. A user is named only
   * while no attempt of CreateRole is under way, which would trust the one that it read.
   * @param before what the journal must hold of it
   * @returns the record as it then is; undefined where that does not hold
   */
  writeOperator(
    integrationId: string,
    operator: OperatorRecord,
    before: OperatorRecord | undefined,
  ): Promise<JournalRecord | undefined>;
}

interface Confirmation {
  readonly journal: OperatorJournal;
  announceIamUser(issued: IamUserIssued): Promise<void>;
  readonly partition: string;
  readonly dataloopAccountId: string | undefined;
}

/**
 * `POST /integrations/{integrationId}/iam-user`. Repeated with the same body it changes nothing, and wakes a workflow
 * whose event was lost. What was named before can be corrected as long as the workflow waits.
 * @param by ARN of the caller, for the journal
 * @throws ServiceError `NothingAwaitedError` where nothing is awaited, or the user that was named before has the role;
 *   `TryAgainError` while the user that was named before is asked about
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
  const isUserAwaited = awaited === 'iam-user' || awaited === 'correct-iam-user';
  if (known && known.userArn !== userArn && !isUserAwaited) {
    throw isAskedAbout(record) ? tryAgain(record) : otherUser(record);
  }
  if (!awaited) return repeatedOrRefused(record, dataloopIntegrationId);

  checkUser(userArn, parts);
  const said = { by, at: new Date().toISOString() };
  if (!isUserAwaited) {
    // The first answer again, whose answer was lost while the workflow went on: the action says what comes next.
    if (!dataloopIntegrationId || dataloopIntegrationId === known?.given?.dataloopIntegrationId)
      return record;
    const given = { dataloopIntegrationId, ...said };
    return write(record, { userArn, named: known?.named ?? said, given }, parts);
  }
  const isNew = known?.userArn !== userArn;
  const written = isNew ? await write(record, { userArn, named: said }, parts) : record;
  // The event wakes; CreateRole decides whom to trust. Where it asks already, it asks again by itself.
  if (awaited === 'iam-user') await parts.announceIamUser({ integrationId, userArn });
  return written;
}

async function write(
  record: JournalRecord,
  operator: OperatorRecord,
  { journal }: Confirmation,
): Promise<JournalRecord> {
  const written = await journal.writeOperator(record.id, operator, record.operator);
  if (written && awaitedOf(written)) return written;
  // The step may have begun with what was said before.
  const now = written ?? (await journal.read(record.id));
  if (now && isAskedAbout(now)) throw tryAgain(now);
  throw new ServiceError(
    'NothingAwaitedError',
    `Integration ${record.id} has moved on, or somebody else answered first. See GET /integrations/${record.id}.`,
  );
}

/**
 * Whether the workflow asks about the user that was named, and no role may trust that user yet: if the user does not fit, the
 * next attempt waits for a correction.
 */
const isAskedAbout = ({ request, status, operator, resources }: JournalRecord): boolean =>
  request.dataloop.createdBy === 'operator' &&
  status === 'provisioning' &&
  operator !== undefined &&
  !resources.role &&
  !resources.dataloopIntegration;

const tryAgain = ({ id, operator }: JournalRecord): ServiceError =>
  new ServiceError(
    'TryAgainError',
    `The service is asking Dataloop about the IAM user ${operator?.userArn} for integration ${id}. Send the request again: if ` +
      'that user does not fit, it can be corrected.',
  );

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
    `Integration ${integrationId} already has the IAM user ${operator?.userArn}, and its role may trust that user. If the user ` +
      'is wrong, send DELETE and start again.',
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

export function operatorUserArn(
  userArn: string,
  partition: string,
  dataloopAccountId: string | undefined,
): string {
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
