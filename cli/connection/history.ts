/** What happened in the states of an execution, from its history, read with the caller's own credentials. */
import { type HistoryEvent, paginateGetExecutionHistory, type SFNClient } from '@aws-sdk/client-sfn';

export interface StateHistory {
  /** JSON. */
  readonly input: string;
  readonly output?: string;
  /** Failed attempts, in order. */
  readonly failures: readonly { readonly at: string; readonly error: string; readonly cause: string }[];
}

/** By the names of the states that were entered. */
export type History = Readonly<Record<string, StateHistory>>;

/** An execution of ours has some hundred events; more than this no page shows. */
const mostEvents = 2_000;

/** @throws the SDK's error where it may not be read */
export async function readHistory(client: SFNClient, executionArn: string): Promise<History> {
  const events: HistoryEvent[] = [];
  for await (const page of paginateGetExecutionHistory({ client }, { executionArn, maxResults: 1_000 })) {
    events.push(...(page.events ?? []));
    if (events.length >= mostEvents) break;
  }
  return historyOf(events);
}

export function historyOf(events: readonly HistoryEvent[]): History {
  const states = new Map<
    string,
    { input: string; output?: string; failures: StateHistory['failures'][number][] }
  >();
  /** The state of each event; an event without a predecessor belongs to the only state that is open. */
  const stateOf = new Map<number, string>();
  const open = new Set<string>();
  for (const event of events) {
    const { id = 0, previousEventId, timestamp, stateEnteredEventDetails: entered } = event;
    const { stateExitedEventDetails: left } = event;
    const [only, ...others] = open;
    const before = previousEventId === undefined ? undefined : stateOf.get(previousEventId);
    const name = entered?.name ?? left?.name ?? before ?? (others.length === 0 ? only : undefined);
    if (name === undefined) continue;
    stateOf.set(id, name);
    if (entered) {
      // A step of a loop is entered again: its last time counts, its failures stay.
      states.set(name, { input: entered.input ?? '', failures: states.get(name)?.failures ?? [] });
      if (event.type === 'TaskStateEntered') open.add(name);
    }
    const state = states.get(name);
    if (!state) continue;
    if (left) {
      open.delete(name);
      if (left.output !== undefined) state.output = left.output;
    }
    const failed = event.taskFailedEventDetails ?? event.taskTimedOutEventDetails;
    if (failed) {
      state.failures.push({
        at: (timestamp ?? new Date(0)).toISOString(),
        error: failed.error ?? '',
        cause: failed.cause ?? '',
      });
    }
  }
  return Object.fromEntries(states);
}
