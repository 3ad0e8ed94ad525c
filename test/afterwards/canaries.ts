/** What must be nowhere: the secrets of a run, and the forms in which they could be somewhere all the same. */
export interface Canary {
  /** What it is, for the report: the secret itself is not told. */
  readonly kind: string;
  readonly text: string;
}

/** Base64 of a text at each of the three places in which it can begin, without the ends that depend on its neighbours. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.from(`${'\0'.repeat(offset)}${text}`).toString('base64');
    const start = Math.ceil((offset * 8) / 6);
    return encoded.replace(/=+$/, '').slice(start, -1);
  });
}

/** Every form in which a secret is looked for. */
export function formsOf(text: string): string[] {
  const [, ...shifted] = base64Forms(text);
  const whole = Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1);
  const all = [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1), whole, ...shifted];
  const url = all.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'));
  return [...new Set([...all, ...url])];
}

/** Dataloop's tokens are JWTs: whatever they say, header and claims begin like this. */
export const tokenBeginnings: readonly Canary[] = [
  {
    kind: 'the header of a token',
    text: Buffer.from('{"alg":"HS256","typ":"JWT"').toString('base64url').slice(0, -1),
  },
  { kind: 'the claims of a token', text: Buffer.from('{"email":"').toString('base64url').slice(0, -1) },
];

export interface Place {
  /** Where: a log group, an item, an execution's history. */
  readonly name: string;
  readonly text: string;
}

/** Finds what can be told by its own text: few canaries in all places. */
export function findCanaries(places: Iterable<Place>, canaries: readonly Canary[]): string[] {
  const forms = canaries.flatMap(({ kind, text }) => formsOf(text).map((form) => ({ kind, form })));
  const found = new Set<string>();
  for (const { name, text } of places) {
    for (const { kind, form } of forms) if (text.includes(form)) found.add(`${kind} in ${name}`);
  }
  return [...found];
}

/** Finds secrets of which there are many, all of them words: each word of each place is looked up. */
export function findWords(places: Iterable<Place>, kind: string, words: readonly string[]): string[] {
  const wanted = new Set(words.flatMap(formsOf));
  const found = new Set<string>();
  for (const { name, text } of places) {
    for (const word of text.split(/[^A-Za-z0-9+/=_-]+/)) {
      if (wanted.has(word) || wanted.has(word.replace(/=+$/, '').slice(0, -1)))
        found.add(`${kind} in ${name}`);
    }
  }
  return [...found];
}
