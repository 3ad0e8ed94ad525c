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
  const isOver = (step: string) => step === 'succeeded' || (step === 'failed' && status !== 'ready');
  return steps
    .filter((step) => !isOver(step.status))
    .map((step) => `It is ${status} while ${step.name} is ${step.status}.`);
}
