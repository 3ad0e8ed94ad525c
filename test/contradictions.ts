/** Whether an answer of the API can be true as a whole: status and steps change together. */
import * as z from 'zod';

/** States in which nothing is under way. */
const restful = ['ready', 'failed', 'removed', 'residue'];

const progressSchema = z.object({
  status: z.string(),
  steps: z.array(z.object({ name: z.string(), status: z.string() })),
});

/** @param answer of an integration or a driver; anything else does not contradict itself */
export function contradictions(answer: unknown): string[] {
  const parsed = progressSchema.safeParse(answer);
  if (!parsed.success || !restful.includes(parsed.data.status)) return [];
  const { status, steps } = parsed.data;
  // A dataset that could not be synced ends no connection.
  const mayFail = (name: string) => status !== 'ready' || name === 'SyncDataset';
  return steps
    .filter((step) => step.status !== 'succeeded' && !(step.status === 'failed' && mayFail(step.name)))
    .map((step) => `It is ${status} while ${step.name} is ${step.status}.`);
}
