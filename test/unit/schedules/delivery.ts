/** What brings messages to functions: the bus, the poll queue, Step Functions' status events, the schedule. */
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { machineArn } from '../environment.ts';
import type { Clock } from './clock.ts';
import type { Lambda } from './lambda.ts';
import type { Execution } from './machine.ts';
import type { Delivery } from './schedule.ts';
import type { Service } from './service.ts';

export interface Deliveries {
  readonly bus: Service;
  readonly queue: Service;
  /** Puts an event on the bus, as anybody who may can. */
  publish(detailType: string, detail: unknown): void;
  executionEnded(execution: Execution): void;
  sweep(): void;
  /** Messages that are still to be taken. */
  open(): number;
  endFaults(): void;
}

/** Seconds after which Lambda tries an asynchronous event again. */
const asynchronousRetries = [60, 120];
const visibilityTimeoutMs = 180_000;
const maximumReceives = 5;
/** Twice is the exception: of polls, each of which sends the next, every one would soon be thousands. */
const maximumDuplicates = 8;

export function deliveries(clock: Clock, lambda: () => Lambda, fates: readonly Delivery[]): Deliveries {
  let faultless = false;
  let count = 0;
  let duplicates = 0;
  let open = 0;

  const fate = (): Delivery => {
    const known = faultless ? undefined : fates[count++ % Math.max(1, fates.length)];
    if (known?.kind === 'duplicated') duplicates += 1;
    const isMore = known?.kind === 'duplicated' && duplicates > maximumDuplicates;
    return known && !isMore ? known : { kind: 'normal', delayMs: 0 };
  };

  async function handOver(functionName: string, event: unknown, afterMs: number): Promise<void> {
    open += 1;
    await clock.sleep(afterMs);
    for (const seconds of [...asynchronousRetries, undefined]) {
      const outcome = await lambda().invoke(functionName, event);
      if (outcome.ok || seconds === undefined) break;
      await clock.sleep(seconds * 1000);
    }
    open -= 1;
  }

  /** At least once, unless it is best effort, in any order. */
  function deliver(functionName: string, event: unknown): void {
    const { kind, delayMs } = fate();
    if (kind === 'dropped') return;
    void handOver(functionName, event, kind === 'delayed' ? delayMs : 20);
    if (kind === 'duplicated') void handOver(functionName, event, 20 + delayMs);
  }

  async function receive(body: string, afterMs: number): Promise<void> {
    open += 1;
    await clock.sleep(afterMs);
    for (let receives = 1; receives <= maximumReceives; receives += 1) {
      const outcome = await lambda().invoke('pollIamUser', { Records: [{ body }] });
      if (outcome.ok) break;
      await clock.sleep(visibilityTimeoutMs);
    }
    open -= 1;
  }

  const publish = (detailType: string, detail: unknown) => {
    if (detailType !== 'Dataloop IAM User Issued') return;
    deliver('resumeProvisioning', { source: 'dataloop-cross-account', 'detail-type': detailType, detail });
  };

  return {
    bus: (command) => {
      if (!(command instanceof PutEventsCommand)) throw new Error('EventBridge does not know this here.');
      for (const { DetailType = '', Detail = '{}' } of command.input.Entries ?? []) {
        publish(DetailType, JSON.parse(Detail));
      }
      return { FailedEntryCount: 0, Entries: [{ EventId: 'event' }] };
    },
    queue: (command) => {
      if (!(command instanceof SendMessageCommand)) throw new Error('SQS does not know this here.');
      const { MessageBody = '', DelaySeconds = 0 } = command.input;
      const { kind, delayMs } = fate();
      // SQS loses none. But one that was received five times in vain goes to the dead-letter queue.
      if (kind === 'dropped') return {};
      void receive(MessageBody, DelaySeconds * 1000 + (kind === 'delayed' ? delayMs : 0));
      if (kind === 'duplicated') void receive(MessageBody, DelaySeconds * 1000 + delayMs);
      return {};
    },
    publish,
    executionEnded: ({ arn, machine, name, status, input }) =>
      deliver('executionEnded', {
        detail: {
          executionArn: arn,
          stateMachineArn: machineArn(machine),
          name,
          status,
          input: JSON.stringify(input),
        },
      }),
    sweep: () => void handOver('sweep', {}, 0),
    open: () => open,
    endFaults: () => {
      faultless = true;
    },
  };
}
