/** A client that sends a request again while the service is not able to answer. */
import { setTimeout as delay } from 'node:timers/promises';

/**
 * @param onRefusal lifts what refuses it for good
 * @throws Error where it never is taken
 */
export async function untilTaken(
  send: () => Promise<{ status: number; body: unknown }>,
  onRefusal?: () => Promise<void>,
): Promise<{ status: number; body: unknown }> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await send();
    if (answer.status < 500) return answer;
    if (attempt >= 40) throw new Error(`Answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    // What was refused for good is refused until somebody lifts it.
    if (attempt === 3) await onRefusal?.();
    await delay(250);
  }
}
