import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultProvider } from '../../../../src/clients/aws/environment-credentials.ts';

describe('the credentials', () => {
  const before = process.env;
  beforeEach(() => {
    process.env = {};
  });
  afterEach(() => {
    process.env = before;
  });

  test('are those of the environment', async () => {
    const keys = { accessKeyId: 'ASIA1', secretAccessKey: 'secret', sessionToken: 'session' };
    process.env = {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_SESSION_TOKEN: keys.sessionToken,
    };
    await expect(defaultProvider()()).resolves.toEqual(keys);
  });

  test('are missing where the environment lacks one of the two', async () => {
    process.env = { AWS_ACCESS_KEY_ID: 'ASIA1' };
    await expect(defaultProvider()()).rejects.toThrow('holds no credentials of AWS');
  });
});
