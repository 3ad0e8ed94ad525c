/**
 * Dataloop credentials: a long-lived API key, or log-in with refresh. They are read from a secret of their own
 * and kept only in memory.
 */
import * as z from 'zod';
import { ServiceError } from '../../errors.ts';

/** It becomes a header, which takes no line break and has an end; an error about one that does not fit would quote it. */
const tokenSchema = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]{1,8192}$/);

/** What the secret holds. */
const secretSchema = z.union([
  // A line break at its end is what an editor leaves.
  z.strictObject({ apiKey: tokenSchema }),
  z.strictObject({ username: z.string().min(1).max(320), password: z.string().min(1).max(1_024) }),
]);
export type DataloopSecret = z.infer<typeof secretSchema>;

/** No e-mail address is longer, or has other characters. */
const emailSchema = z.string().regex(/^[\p{L}\p{M}\p{N}\p{P}\p{S}]{1,320}$/u);

/** Without an address a token is as good; one that is none is left out. */
const claimsSchema = z.object({ exp: z.number(), email: emailSchema.optional().catch(undefined) });

/** Without a token to refresh it, the next log-in is one with the secret. */
const loginAnswerSchema = z.object({
  id_token: tokenSchema,
  refresh_token: tokenSchema.optional().catch(undefined),
});

export interface Token {
  readonly value: string;
  /** ms since the epoch. */
  readonly expiresAt: number;
  /** E-mail of the authenticated user: the `creator` of a driver. */
  readonly email: string | undefined;
}

export interface Credentials {
  /** A token with at least a minute to live. */
  token(): Promise<Token>;
  /** When the API key in the secret ends, ms since the epoch; undefined where the secret holds a log-in. */
  apiKeyEnd(): Promise<number | undefined>;
  /** Forgets what is kept: the next token comes from the secret as it is then. */
  forget(): void;
}

/** How to log in: posts to `{gate}/token?default` and answers the parsed JSON. */
export type Login = (body: Record<string, string>) => Promise<unknown>;

const marginMs = 60_000;

export function parseSecret(text: string, secretId: string): DataloopSecret {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Parsing errors quote the text, which is a credential.
    json = undefined;
  }
  const parsed = secretSchema.safeParse(json);
  if (!parsed.success) {
    throw new ServiceError(
      'DataloopCredentialsError',
      `The secret ${secretId} must hold JSON: {"apiKey":"…"} or {"username":"…","password":"…"}. ` +
        'Store it with aws secretsmanager put-secret-value, then send the request again.',
    );
  }
  return parsed.data;
}

/** Reads a token's claims; the signature is Dataloop's to check. */
export function readToken(value: string, secretId: string): Token {
  const [, payload = ''] = value.split('.');
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    // Not a JWT; said below without quoting it.
    json = undefined;
  }
  const claims = claimsSchema.safeParse(json);
  if (!claims.success) {
    throw new ServiceError(
      'DataloopCredentialsError',
      `The token from secret ${secretId} is not a Dataloop token (a JWT that expires). Create a new API key at Dataloop.`,
    );
  }
  return { value, expiresAt: claims.data.exp * 1000, email: claims.data.email };
}

export function credentialsFrom(
  secretId: string,
  readSecret: () => Promise<string>,
  login: Login,
  now: () => number = Date.now,
): Credentials {
  let kept: { token: Token; refreshToken: string | undefined; isApiKey?: true } | undefined;
  /** Calls that are made side by side log in once. */
  let obtaining: ReturnType<typeof obtain> | undefined;

  const signIn = async (body: Record<string, string>) => {
    const answer = loginAnswerSchema.safeParse(await login(body));
    if (!answer.success) {
      throw new ServiceError('DataloopAnswerError', "Dataloop's answer to the log-in holds no token.");
    }
    const { id_token: value, refresh_token: refreshToken } = answer.data;
    return { token: readToken(value, secretId), refreshToken: refreshToken ?? body['refresh_token'] };
  };

  const refresh = async () => {
    if (!kept?.refreshToken) return undefined;
    try {
      return await signIn({ type: 'refresh_token', refresh_token: kept.refreshToken });
    } catch (error) {
      // A refresh token that is used up is no failure: the log-in with the secret decides.
      if (error instanceof ServiceError && error.name === 'DataloopCredentialsError') return undefined;
      throw error;
    }
  };

  const obtain = async (): Promise<NonNullable<typeof kept>> => {
    const refreshed = await refresh();
    if (refreshed) return refreshed;
    const secret = parseSecret(await readSecret(), secretId);
    if ('apiKey' in secret) {
      const token = readToken(secret.apiKey, secretId);
      return { token, refreshToken: undefined, isApiKey: true as const };
    }
    return signIn({ type: 'user_credentials', username: secret.username, password: secret.password });
  };

  const current = async () => {
    let found = kept;
    if (!found || found.token.expiresAt - marginMs <= now()) {
      obtaining ??= obtain();
      const obtained = obtaining;
      try {
        found = await obtained;
        // What is forgotten meanwhile is not kept.
        if (obtaining === obtained) kept = found;
      } finally {
        if (obtaining === obtained) obtaining = undefined;
      }
    }
    if (found.token.expiresAt <= now()) {
      kept = undefined;
      throw new ServiceError(
        'DataloopCredentialsError',
        `The Dataloop API key in secret ${secretId} has expired. Create a new one at Dataloop and put it into the secret.`,
      );
    }
    return found;
  };

  return {
    token: async () => (await current()).token,
    apiKeyEnd: async () => {
      const { token, isApiKey } = await current();
      return isApiKey && token.expiresAt;
    },
    forget: () => {
      kept = undefined;
      obtaining = undefined;
    },
  };
}
