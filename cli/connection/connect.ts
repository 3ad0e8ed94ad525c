/** From settings to signed calls: credentials and region are found as the AWS CLI finds them. */
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { type SendRequest, signedRequests } from './send.ts';
import { type ConnectionSettings, regionOfUrl } from './settings.ts';
import { apiUrlOf, findStack } from './stack.ts';

export interface ServiceConnection {
  readonly apiUrl: string;
  readonly region: string;
  readonly send: SendRequest;
}

/** Options of an AWS client, for those settings. */
export const clientOptions = ({ profile, region, apiUrl }: ConnectionSettings) => {
  const known = region ?? (apiUrl === undefined ? undefined : regionOfUrl(apiUrl));
  return { ...(profile ? { profile } : {}), ...(known ? { region: known } : {}), maxAttempts: 4 };
};

export const noRegion = () =>
  new CommandError(exitCodes.usage, 'No AWS region is set.', {
    lines: ['Give it with --region, in AWS_REGION, or in the profile (aws configure set region REGION).'],
  });

/** @throws CommandError without region, credentials or stack */
export async function connectToService(settings: ConnectionSettings): Promise<ServiceConnection> {
  const client = new CloudFormationClient(clientOptions(settings));
  const region = await regionOf(client);
  try {
    const apiUrl = settings.apiUrl ?? apiUrlOf(await findStack(client, settings.stage, region));
    return { apiUrl, region, send: signedRequests(apiUrl, region, client.config.credentials) };
  } catch (error) {
    throw explained(error, region);
  }
}

export async function regionOf(client: CloudFormationClient): Promise<string> {
  try {
    return await client.config.region();
  } catch {
    throw noRegion();
  }
}

/** Credentials that AWS does not know, or no longer, as it says itself. */
export const notAccepted = (words: string, answer?: unknown, cause?: unknown): CommandError =>
  new CommandError(exitCodes.usage, `AWS does not accept the credentials: ${words}`, {
    lines: ['Log in again (aws sso login), or name another profile with --profile.'],
    next: 'doctor',
    answer,
    cause,
  });

/** AWS's own errors in our words. */
export function explained(error: unknown, region: string): unknown {
  if (error instanceof CommandError || !(error instanceof Error)) return error;
  if (/^(CredentialsProviderError|TokenProviderError|ProviderError)$/.test(error.name)) {
    return new CommandError(exitCodes.usage, `No AWS credentials: ${error.message}`, {
      lines: ['Log in (aws sso login), name a profile with --profile, or set AWS_ACCESS_KEY_ID.'],
      next: 'doctor',
      cause: error,
    });
  }
  if (/AccessDenied|NotAuthorized|Forbidden/i.test(error.name)) {
    return new CommandError(exitCodes.refused, `AWS refused to show the stack: ${error.message}`, {
      lines: ['You need cloudformation:DescribeStacks, or the address of the API with --api-url.'],
      next: 'doctor',
      cause: error,
    });
  }
  if (
    /^(ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidAccessKeyId)/.test(
      error.name,
    )
  ) {
    return notAccepted(error.message, undefined, error);
  }
  if (isNetworkError(error)) {
    return new CommandError(exitCodes.unexpected, `AWS cannot be reached in ${region}: ${reasonOf(error)}`, {
      lines: [
        'Check the region, your network and proxy. A private certificate goes into NODE_EXTRA_CA_CERTS.',
      ],
      cause: error,
    });
  }
  return error;
}

const codeOf = (error: Error): string => {
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string') return code;
  return error.cause instanceof Error ? codeOf(error.cause) : '';
};

const isNetworkError = (error: Error): boolean =>
  /^(E[A-Z]+|UND_ERR\w*|CERT_\w+|DEPTH_ZERO\w+|SELF_SIGNED\w+|UNABLE_TO\w+)$/.test(codeOf(error));

/** The reason of a call that got no answer. */
export const reasonOf = (error: Error): string => {
  const said = error.cause instanceof Error && error.message === 'fetch failed' ? error.cause : error;
  return said.message || codeOf(error) || said.name;
};
