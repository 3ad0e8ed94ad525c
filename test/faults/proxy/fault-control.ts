/** How tests tell the proxy what to do: in its process, or over HTTP from another. */
import * as z from 'zod';
import type { RecordedCall } from './call-log.ts';
import type { RuleInput } from './faults.ts';

/** Something that the proxy itself did not manage: the test that sees one must fail. */
export const failureSchema = z.object({
  /** ISO 8601. */
  time: z.string(),
  /** The call, where there was one. */
  operation: z.string().optional(),
  message: z.string(),
});
export type Failure = z.infer<typeof failureSchema>;

export interface FaultControl {
  /** Registers a scope: a unique text in the name of the case's integration. @throws Error where it is open */
  open(scope: string): Promise<void>;
  /** Drops the scope, its rules, its record, and the requests of it that still wait. */
  close(scope: string): Promise<void>;
  /** Says whose an integration is, before any call has shown it. */
  registerIntegration(scope: string, integrationId: string): Promise<void>;
  /** @returns the rule's id, which stands in the record of each call that it met */
  addRule(rule: RuleInput): Promise<string>;
  clearRules(scope: string): Promise<void>;
  /** Calls of a scope in the order they came; without one, the latest calls that are nobody's. */
  calls(scope?: string): Promise<RecordedCall[]>;
  /** Lets go what is held under a name now. @returns how many requests that were */
  release(name: string): Promise<number>;
  /** Names that requests are held under. */
  held(): Promise<string[]>;
  failures(): Promise<Failure[]>;
}
