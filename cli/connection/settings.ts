/** Which deployment is meant: flags first, then the environment, as the AWS CLI does it. */
import * as z from 'zod';

export const serviceName = 'dataloop-cross-account';

/** Flags that every command takes. */
export const connectionFlags = z.object({
  stage: z.string().optional(),
  profile: z.string().optional(),
  region: z.string().optional(),
  apiUrl: z.string().optional(),
});
export type ConnectionFlags = z.output<typeof connectionFlags>;

export interface ConnectionSettings {
  readonly stage: string;
  readonly profile: string | undefined;
  readonly region: string | undefined;
  /** Where the API is, if it need not be looked up in the stack. */
  readonly apiUrl: string | undefined;
}

const given = (text: string | undefined) => (text === '' ? undefined : text);

export function settingsFrom(
  flags: ConnectionFlags,
  env: Readonly<Record<string, string | undefined>>,
): ConnectionSettings {
  // A stage or profile on the command line means another deployment than the address in the environment.
  const isElsewhere = flags.stage !== undefined || flags.profile !== undefined;
  return {
    stage: flags.stage ?? given(env['DATALOOP_CONNECT_STAGE']) ?? 'dev',
    profile: flags.profile ?? given(env['AWS_PROFILE']),
    region: flags.region ?? given(env['AWS_REGION']) ?? given(env['AWS_DEFAULT_REGION']),
    apiUrl: flags.apiUrl ?? (isElsewhere ? undefined : given(env['API_URL'])),
  };
}

/** The flags as they were typed, for the command that is proposed next. */
export function typedFlags({ stage, profile, region, apiUrl }: ConnectionFlags): string {
  const flags = { stage, profile, region, 'api-url': apiUrl };
  return Object.entries(flags)
    .flatMap(([name, value]) => (value === undefined ? [] : [` --${name} ${value}`]))
    .join('');
}

/** The region that an address of API Gateway names. */
export const regionOfUrl = (url: string): string | undefined =>
  /^https:\/\/[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?:\/|$)/.exec(url)?.[1];
