/** Answers to CloudFormation: a PUT to the address that it named, which is presigned, so no credentials are sent. */
import { ServiceError } from '../../errors.ts';

const timeoutMs = 5_000;

/**
 * Sends an answer. No message and no cause of an error holds the address.
 * @returns false where S3 refuses it for good: the address has expired, or never was one
 * @throws ServiceError `AwsUnavailableError`
 */
export async function sendAnswer(address: string, document: string): Promise<boolean> {
  let status: number;
  try {
    const response = await fetch(address, {
      method: 'PUT',
      // Bytes, so that no Content-Type is sent: the address was signed without one.
      body: Buffer.from(document),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    ({ status } = response);
  } catch (error) {
    throw notTaken(error instanceof Error ? error.name : 'unknown');
  }
  if (status >= 500 || status === 429) throw notTaken(String(status));
  return status < 300;
}

const notTaken = (reason: string): ServiceError =>
  new ServiceError('AwsUnavailableError', `CloudFormation's address did not take the answer (${reason}).`, {
    mayPass: true,
  });
