/** Resources of CloudFormation stacks: what a request begins, and what it is answered once that has ended. */
import { ServiceError } from '../../errors.ts';
import {
  type AnsweredRequest,
  answerOf,
  deleted,
  failed,
  nothingMade,
  reasonOf,
  type StackAnswer,
  type StackRequest,
  stackResourceTypes,
} from '../api/stack.ts';
import { sameJson } from '../model/canonical-json.ts';
import { isRecordId } from '../model/ids.ts';
import type { JournalRecord, RecordReader } from '../model/record.ts';
import type { StackResource } from '../model/stack-resource.ts';

/** A request whose answer is due once its workflow has ended. */
export interface AwaitedAnswer {
  readonly request: AnsweredRequest;
  readonly address: string;
}

/** What is kept beside the records. A function takes those calls that it makes: `Pick<StackJournal, 'forget'>`. */
export interface StackJournal {
  /**
   * What was begun last for a resource of a stack, and by which request. CloudFormation learns of a record's id by the answer:
   * until then this alone leads from the stack to it.
   */
  readBegun(stack: StackResource): Promise<Begun | undefined>;
  writeBegun(stack: StackResource, begun: Begun): Promise<void>;
  /** Whether it was deleted before anything was begun for it, so recently that a request to create it may still come. */
  isWithdrawn(stack: StackResource): Promise<boolean>;
  withdraw(stack: StackResource): Promise<void>;
  /** Keeps the address until the workflow has ended. */
  keepAddress(request: StackRequest, recordId: string): Promise<void>;
  readAwaited(recordId: string): Promise<readonly AwaitedAnswer[]>;
  /** Where nobody has put another in its place. */
  forget(recordId: string, awaited: AwaitedAnswer): Promise<void>;
}

interface Begun {
  readonly requestId: string;
  /** Undefined: nothing yet. */
  readonly recordId?: string | undefined;
}

export interface StackParts
  extends Pick<StackJournal, 'readBegun' | 'writeBegun' | 'isWithdrawn' | 'withdraw' | 'keepAddress'>,
    RecordReader {
  /** Registers what a resource's properties ask for, and starts its workflow; `note` is called before the first write. */
  readonly make: Readonly<
    Record<
      keyof typeof stackResourceTypes,
      (request: StackRequest, note: (recordId: string) => Promise<void>) => Promise<JournalRecord>
    >
  >;
  /** As `DELETE` does. @returns the record as it then is */
  remove(record: JournalRecord, request: StackRequest): Promise<JournalRecord>;
}

/** The record that a stack's resource has; nobody else's. */
async function ownRecord(
  { stack }: StackRequest,
  recordId: string | undefined,
  records: RecordReader,
): Promise<JournalRecord | undefined> {
  const record = recordId === undefined ? undefined : await records.read(recordId);
  return record?.stack && sameJson(record.stack, stack) ? record : undefined;
}

const isOver = ({ status }: JournalRecord): boolean => status === 'failed' || status === 'removed';

/**
 * What a request to delete is about. CloudFormation makes up an id for a resource whose creation was never answered: that
 * is what was begun last.
 */
async function toDelete(request: StackRequest, parts: StackParts): Promise<JournalRecord | undefined> {
  const { physicalId = '', stack } = request;
  if (isRecordId(physicalId)) return ownRecord(request, physicalId, parts);
  const begun = async () => ownRecord(request, (await parts.readBegun(stack))?.recordId, parts);
  const record = await begun();
  if (physicalId === nothingMade || (record && !isOver(record))) return record;
  // Nobody has answered the request to create. It may be under way, or come later: whichever of the two comes second sees
  // what the other has written.
  await parts.withdraw(stack);
  return begun();
}

/**
 * What an earlier request began and CloudFormation has never heard of: it gave up waiting, and goes on with the resource
 * that it knows.
 */
async function removeForgotten(request: StackRequest, begun: Begun | undefined, parts: StackParts) {
  if (request.type !== 'Update' || !begun || begun.recordId === request.physicalId) return;
  const record = await ownRecord(request, begun.recordId, parts);
  if (record && !isOver(record)) await parts.remove(record, request);
}

async function make(request: StackRequest, parts: StackParts): Promise<JournalRecord> {
  const { id: requestId, stack, resourceType } = request;
  const [kind] = (['integration', 'addedBucket'] as const).filter(
    (each) => stackResourceTypes[each] === resourceType,
  );
  if (!kind) {
    const types = Object.values(stackResourceTypes).join(' and ');
    throw new ServiceError('InvalidRequestError', `This service makes resources of the types ${types}.`);
  }
  const begun = await parts.readBegun(stack);
  if (begun?.requestId !== requestId) {
    if (await isTooLate(request, parts)) {
      throw new ServiceError(
        'InvalidRequestError',
        'CloudFormation deleted this resource before the service began to create it. Nothing was created. To create it after all, ' +
          'give it another logical id, or wait for six hours.',
      );
    }
    // First of all: whatever comes after it, a later request must not take an earlier record for that of this one.
    await parts.writeBegun(stack, { requestId });
    await removeForgotten(request, begun, parts);
  }
  const note = (recordId: string) => parts.writeBegun(stack, { requestId, recordId });
  let noted: string | undefined;
  const record = await parts.make[kind](request, async (recordId) => {
    noted = recordId;
    await note(recordId);
  });
  // A request that repeats an earlier one has that one's record.
  if (record.id !== noted) await note(record.id);
  if (isOver(record) || !(await isTooLate(request, parts))) return record;
  // Deleted meanwhile, by a request that did not see the record.
  try {
    return await parts.remove(record, request);
  } catch (error) {
    // Nobody else will: left to Lambda, which calls again.
    throw new Error(`Nobody wants ${record.id} any more, and it could not be removed.`, { cause: error });
  }
}

/** Lambda delivers an event late, and perhaps again. Then the deletion may come before the creation. */
const isTooLate = async ({ type, stack }: StackRequest, parts: StackParts): Promise<boolean> =>
  type === 'Create' && parts.isWithdrawn(stack);

/** The old resource has its name and bucket until CloudFormation deletes it, which is after the new one is ready. */
const needsOwnNames =
  'A changed property makes a new one before the old one is removed: give it a name, a bucket and a driver name of its own.';

/** What the caller of a request to create or to update is told. */
function told(error: ServiceError, { type }: StackRequest): string {
  const reason = reasonOf(error);
  return type === 'Update' && error.name === 'NameOrBucketTakenError' ? `${needsOwnNames} ${reason}` : reason;
}

/**
 * Does what a request asks for, or begins it. Repeated, it changes nothing more.
 * @returns the answer; undefined where the end of the workflow brings it
 */
export async function takeStackRequest(
  request: StackRequest,
  parts: StackParts,
): Promise<StackAnswer | undefined> {
  try {
    let record: JournalRecord;
    if (request.type === 'Delete') {
      const found = await toDelete(request, parts);
      if (!found) return deleted(request);
      record = isOver(found) ? found : await parts.remove(found, request);
    } else {
      record = await make(request, parts);
    }
    const answer = answerOf(record, request);
    if (answer) return answer;
    await parts.keepAddress(request, record.id);
    // The workflow may have ended before the address was there.
    const now = await parts.read(record.id);
    return now && answerOf(now, request);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return failed(request, told(error, request));
  }
}

interface AnswerParts extends RecordReader, Pick<StackJournal, 'readAwaited' | 'forget'> {
  /** @throws ServiceError where nobody takes it now. One that can never be sent counts as sent. */
  send(awaited: AwaitedAnswer, answer: StackAnswer): Promise<void>;
}

/** Sends the answers that are due about a record, and forgets their addresses. @returns how many */
export async function answerStack(recordId: string, parts: AnswerParts): Promise<number> {
  const awaited = await parts.readAwaited(recordId);
  if (awaited.length === 0) return 0;
  const record = await parts.read(recordId);
  let sent = 0;
  for (const each of awaited) {
    const answer = record && answerOf(record, each.request);
    if (!answer) continue;
    await parts.send(each, answer);
    await parts.forget(recordId, each);
    sent += 1;
  }
  return sent;
}
