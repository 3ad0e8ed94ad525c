/**
 * Takes the place of the SDK's `@aws-sdk/credential-provider-node` in the bundles of functions (serverless.yml). That looks for
 * credentials in files, in other processes and on the network. Lambda gives them in the environment, for as long as it lives.
 */

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What the SDK's clients ask for where nobody gave them credentials. @throws Error outside of Lambda */
export const defaultProvider = () => async (): Promise<Credentials> => {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = process.env;
  if (!accessKeyId || !secretAccessKey) {
    throw Object.assign(new Error('The environment of this function holds no credentials of AWS.'), {
      name: 'CredentialsProviderError',
    });
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
};
