/** Answers over HTTP, as `fetch` gives them. */
export interface Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** A body in pieces, as a network delivers one. */
async function* inPieces(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 16_384) yield bytes.subarray(at, at + 16_384);
}

/** @param retryAfter by default longer than the client waits by itself: it is the state machine's to try again */
export const answerOf = (status: number, body?: unknown, retryAfter = '60'): Answer => ({
  status,
  ok: status < 300,
  headers: { get: (name) => (name === 'retry-after' && status >= 429 ? retryAfter : null) },
  body: body === undefined ? null : inPieces(JSON.stringify(body)),
});
