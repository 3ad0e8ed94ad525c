/**
 * Whose call is it? Test cases run side by side on one deployment, and a fault of one must not meet another. A
 * case is known by its scope: a text in the name of its integration, hence in the names of everything made for it.
 */
import * as z from 'zod';
import type { HttpRequest } from './calls.ts';

/**
 * What a call was attributed by. `worker` is the weakest: calls that name nobody (GetSecretValue, a log-in) are
 * taken for the case that their worker was last seen to work for, which is wrong for what a reused worker does
 * before it first names its new case.
 */
export const attributedBySchema = z.enum(['scope', 'integration', 'dataloop-id', 'worker']);
export type AttributedBy = z.infer<typeof attributedBySchema>;

export interface Attributed {
  readonly scope: string;
  readonly by: AttributedBy;
}

export const integrationIdSchema = z.string().regex(/^int_[0-9A-Z]{26}$/);
/** Of integrations, and of drivers that were added to one: each has a record of its own. */
const integrationIds = /(?:int|drv)_[0-9A-Z]{26}/g;

/** Dataloop's answers about one thing; its lists are arrays. */
const answerSchema = z.object({ id: z.string().min(1) });

export class Attribution {
  readonly #scopes = new Set<string>();
  readonly #integrations = new Map<string, string>();
  readonly #dataloopIds = new Map<string, string>();
  readonly #workers = new Map<number, string>();

  open(scope: string): void {
    this.#scopes.add(scope);
  }

  /** Forgets the scope and all that was learnt about it. */
  close(scope: string): void {
    this.#scopes.delete(scope);
    forget(this.#integrations, scope);
    forget(this.#dataloopIds, scope);
    forget(this.#workers, scope);
  }

  registerIntegration(scope: string, integrationId: string): void {
    this.#integrations.set(integrationId, scope);
  }

  /** @param pid of the worker that makes the call; undefined where it is none, or not known */
  attribute(request: HttpRequest, pid: number | undefined): Attributed | undefined {
    const text = searchable(request);
    const found = this.#named(text);
    if (found) {
      if (pid !== undefined) this.#workers.set(pid, found.scope);
      return found;
    }
    // Of an integration that is no case's: nor is what its worker does from now on.
    if (pid !== undefined && text.search(integrationIds) >= 0) this.#workers.delete(pid);
    const scope = pid === undefined ? undefined : this.#workers.get(pid);
    return scope === undefined ? undefined : { scope, by: 'worker' };
  }

  /** Remembers the id of an integration or a driver that Dataloop's answer to a case's call names. */
  learn(scope: string, operation: string, answer: Buffer): void {
    // A project's id is everybody's.
    if (!/^dataloop:\w+ .*\/(integrations|drivers)/.test(operation)) return;
    const parsed = answerSchema.safeParse(parseJson(answer));
    if (parsed.success && this.#scopes.has(scope)) this.#dataloopIds.set(parsed.data.id, scope);
  }

  #named(text: string): Attributed | undefined {
    // One scope may begin like another: the longest is meant.
    const [scope] = [...this.#scopes]
      .filter((each) => text.includes(each))
      .sort((one, other) => other.length - one.length);
    const ids = latestFirst(text.match(integrationIds) ?? []);
    if (scope !== undefined) {
      // A request may also name the integration that is in its way, or whose place it takes: its own is the latest.
      const [own] = ids;
      if (own !== undefined && !this.#integrations.has(own)) this.#integrations.set(own, scope);
      return { scope, by: 'scope' };
    }
    for (const id of ids) {
      const owner = this.#integrations.get(id);
      if (owner !== undefined) return { scope: owner, by: 'integration' };
    }
    for (const [id, owner] of this.#dataloopIds) {
      if (text.includes(id)) return { scope: owner, by: 'dataloop-id' };
    }
    return undefined;
  }
}

/** Ids begin with the time at which they were given. */
const latestFirst = (ids: readonly string[]): string[] =>
  [...ids].sort((one, other) => (one.slice(4) < other.slice(4) ? 1 : -1));

function forget<K>(map: Map<K, string>, scope: string): void {
  for (const [key, owner] of map) if (owner === scope) map.delete(key);
}

/** URL and body, as sent and decoded: forms are percent-encoded, task tokens may be base64 of an ARN. */
function searchable({ url, body }: HttpRequest): string {
  const decoded = percentDecoded(`${url}\n${body.toString('utf8')}`);
  const tokens = decoded.match(/[A-Za-z0-9+/_-]{32,}/g) ?? [];
  return [decoded, ...tokens.map((token) => Buffer.from(token, 'base64').toString('latin1'))].join('\n');
}

/** Unlike `decodeURIComponent`, leaves alone what is no encoding. */
const percentDecoded = (text: string): string =>
  text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // An answer without a body, or of a proxy in between: it names nothing.
    return undefined;
  }
}
