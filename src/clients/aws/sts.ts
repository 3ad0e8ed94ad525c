/** AWS STS: who are we? */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { awsCall } from './errors.ts';
import { clientSettings } from './settings.ts';

export const stsClient = () => new STSClient(clientSettings);

/** Account of the credentials that calls are really made with. */
export const getCallerAccountId = (client: STSClient) => async (): Promise<string> => {
  const identity = await awsCall('identify the credentials of the service', () =>
    client.send(new GetCallerIdentityCommand({})),
  );
  return identity.Account ?? '';
};
